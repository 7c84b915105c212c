import pytest
from hypothesis import given
from hypothesis import strategies as st

from muli.screen.space.layout import CHUNK_ROWS, TILE_ROWS, DesignSpace

spaces = st.builds(
    DesignSpace,
    scenarios=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), max_size=5),
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


@given(spaces)
def test_a_group_is_split_only_where_it_does_not_fit(space):
    lines = space.chunk(space.chunks - 1)
    whole = space.coatings * space.rows_per_line <= CHUNK_ROWS
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
