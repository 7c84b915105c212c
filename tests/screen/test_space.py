import pytest
from hypothesis import given
from hypothesis import strategies as st

from muli.screen.errors import SpecError
from muli.screen.running.missing import Missing
from muli.screen.space.cost import dry_run
from muli.screen.space.layout import CHUNK_ROWS, TILE_ROWS, DesignSpace

spaces = st.builds(
    DesignSpace,
    scenarios=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 20), max_size=4),
    coatings=st.integers(1, 20_000),
    states=st.integers(1, 2),
    thicknesses=st.integers(1, 5_000),
)


@given(spaces, st.floats(0, 1, exclude_max=True))
def test_row_ids_and_combinations_are_inverse(space, fraction):
    row = int(fraction * space.stacks)
    combination = space.combination(row)
    assert space.row_id(combination) == row
    line = row // space.rows_per_line
    assert all(combination[k] == v for k, v in space.line_digits(line).items())


@given(spaces)
def test_chunks_cover_every_line_once_and_are_small(space):
    if space.chunks > 2_000:
        return
    end = 0
    for index in range(space.chunks):
        lines = space.chunk(index)
        assert lines.start == end
        assert 0 < len(lines) * space.rows_per_line <= CHUNK_ROWS
        end = lines.stop
    assert end == space.lines


def test_a_space_of_very_many_chunks_has_larger_ones():
    space = DesignSpace({"electrolyte_thickness_um": 5 * 10**6}, 118, 2, 100)
    assert space.stacks / CHUNK_ROWS > 28_000
    assert 4096 >= space.chunks > 3500
    assert len(space.chunk(0)) <= 2**18
    assert space.chunk(space.chunks - 1).stop == space.lines


@given(spaces)
def test_a_group_is_split_only_where_it_does_not_fit(space):
    lines = space.chunk(space.chunks - 1)
    whole = space.coatings <= space.lines_per_chunk
    same_group = lines.start // space.coatings == (lines.stop - 1) // space.coatings
    assert len(lines) % space.coatings == 0 if whole else same_group


@given(spaces)
def test_tiles_are_equal_shares_of_whole_groups_where_these_fit(space):
    lines, chunk = space.lines_per_tile, space.lines_per_chunk
    fitting = TILE_ROWS / space.rows_per_line
    tiles = -(-chunk // lines)
    unit = space.coatings if space.coatings <= fitting else 1
    assert lines % unit == 0
    assert lines <= max(1.5 * fitting + unit, 1)
    assert tiles * lines - chunk < tiles * unit


def test_a_trillion_stacks_cost_nothing():
    space = DesignSpace({"a": 10**4, "b": 10**3}, coatings=500, states=1, thicknesses=200)
    assert space.stacks == 10**12
    assert space.combination(10**12 - 1) == {
        "a": 9999, "b": 999, "coating": 499, "cathode_state": 0, "coating_thickness_nm": 199,
    }  # fmt: skip
    assert space.chunk(space.chunks - 1).stop == space.lines


def test_out_of_range_is_refused():
    space = DesignSpace({}, coatings=2, states=1, thicknesses=3)
    for wrong in (-1, 6):
        with pytest.raises(IndexError):
            space.combination(wrong)
    with pytest.raises(IndexError):
        space.chunk(1)
    with pytest.raises(ValueError, match="thicknesses"):
        DesignSpace({}, coatings=1, states=2, thicknesses=CHUNK_ROWS)


@pytest.mark.parametrize("kept", [set(), {0}, {9}, {2, 3, 7}, {3, 6, 9, 12}, set(range(10))])
@pytest.mark.parametrize("chunks", [range(10), range(0, 30, 3), range(2, 3)])
def test_missing_chunks_are_those_not_kept(chunks, kept):
    expected = [chunk for chunk in chunks if chunk not in kept]
    missing = Missing(chunks, kept)
    assert list(missing) == expected
    assert (len(missing), missing[1:5], missing[-3:]) == (
        len(expected),
        expected[1:5],
        expected[-3:],
    )


def test_missing_chunks_of_a_huge_space_take_no_memory():
    missing = Missing(range(10**12), {5})
    assert (len(missing), missing[4], missing[5], missing[-1]) == (10**12 - 1, 4, 6, 10**12 - 1)


def test_too_many_parts_are_refused_with_what_to_change():
    wide = {"start": 1, "stop": 100, "num": 10**7, "spacing": "log"}
    axes = {"coating": ["LiNbO3"], "electrolyte": ["Li6PS5Cl"], "cathode_potential_V": [4.3]}
    axes |= {"electrolyte_thickness_um": wide, "coating.sigma_ele_S_cm": {**wide, "start": 1e-9}}
    with pytest.raises(SpecError, match=r"2.38e\+07 parts.*electrolyte_thickness_um 10"):
        dry_run({"axes": axes})
    axes["electrolyte_thickness_um"] = {**wide, "num": 10**6}
    found = dry_run({"axes": axes})
    assert found.chunks == 2_384_186
    assert found.bytes_memory > 16 * 2**30
    assert "17." in str(found)
