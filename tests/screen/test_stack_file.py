"""The file of stacks: what is accepted, and what a broken file is told."""

import json

import pytest

from muli.screen.errors import SpecError
from muli.screen.solving.stack_file import read_stacks

LAYER = {"role": "electrolyte", "thickness_cm": 5e-3, "sigma_ion_S_cm": 1e-3, "sigma_0_S_cm": 1e-9}
STACK = {"layers": [LAYER], "E_anode_V": 0.0, "E_cathode_V": 4.2}


def with_layer(**changes):
    return {**STACK, "layers": [{**LAYER, **changes}]}


def read(tmp_path, content):
    path = tmp_path / "stacks.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_stacks(path)


def test_defaults(tmp_path):
    (stack,) = read(tmp_path, STACK)
    layer = stack.layers[0]
    assert (layer.sigma_n_S_cm, layer.z_n, layer.sigma_p_S_cm, layer.z_p) == (0.0, 1.0, 0.0, 1.0)
    assert (stack.temperature_K, stack.current_density_A_cm2, stack.contacts) == (298.15, 0.0, None)


def test_contacts_with_and_without_the_electrodes(tmp_path):
    two = {**STACK, "layers": [LAYER, {**LAYER, "role": "cathode_coating"}]}
    given = [[5.0], [1.0, 5.0, 2.0], [0.0]]
    stacks = read(tmp_path, [{**two, "interface_asr_ohm_cm2": asr} for asr in given])
    assert [stack.contacts for stack in stacks] == [(0.0, 5.0, 0.0), (1.0, 5.0, 2.0), None]


def test_every_error_at_once_with_place_value_and_unit(tmp_path):
    broken = [
        with_layer(thickness_cm=-1.0),
        with_layer(thicknes_cm=1.0),
        {key: value for key, value in STACK.items() if key != "E_cathode_V"},
        {**STACK, "temperature_K": "warm"},
        {**STACK, "interface_asr_ohm_cm2": [1.0, 2.0, 3.0]},
        with_layer(sigma_0_S_cm=0.0),
        with_layer(table_E_V=[1.0, 1.0], table_log10_sigma_ele_S_cm=[-9.0, -9.0]),
    ]
    with pytest.raises(SpecError) as caught:
        read(tmp_path, broken)
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == len(broken)
    for phrase in (
        "stack 0, layer 0: thickness_cm = -1.0; expected a thickness in cm",
        "stack 1, layer 0: unknown key 'thicknes_cm'; closest: thickness_cm",
        "stack 2: E_cathode_V is missing; expected a potential in V vs Li/Li+",
        "stack 3: temperature_K = 'warm'; expected a temperature in K",
        "stack 4: interface_asr_ohm_cm2 has 3 values; 1 layers have 0 inner interfaces",
        "stack 5, layer 0: no sigma_ele",
        "stack 6, layer 0: give sigma_ele as a table or as branches",
    ):
        assert phrase in text


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "3",
        "[1, 2]",
        "{",
        json.dumps([STACK]).replace("4.2", "NaN"),
        json.dumps([STACK]).replace("4.2", "-Infinity"),
        json.dumps([STACK]).replace("4.2", "1e300"),
        json.dumps([STACK]).replace("4.2", "1e999"),
        json.dumps([STACK]).replace("4.2", "9" * 5000),
        json.dumps([STACK]).replace("4.2", "true"),
        json.dumps([STACK]).replace("4.2", '"' + "x" * 1_000_000 + '"'),
        json.dumps([STACK]).replace('"E_anode_V"', '"E_cathode_V"'),
        "[" * 200_000,
        '{"a":' * 100_000,
        json.dumps([{**STACK, "layers": []}]),
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_hostile_files_are_refused_in_a_few_words(tmp_path, content):
    with pytest.raises(SpecError) as caught:
        read(tmp_path, content)
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) < 2000


def test_bytes_that_are_no_text_and_files_that_are_none(tmp_path):
    path = tmp_path / "binary.json"
    path.write_bytes(b"\xff\xfe\x00[")
    with pytest.raises(SpecError):
        read_stacks(path)
    with pytest.raises(SpecError, match="cannot be read"):
        read_stacks(tmp_path / "missing.json")
    with pytest.raises(SpecError, match="a folder"):
        read_stacks(tmp_path)


def test_many_errors_are_cut_short(tmp_path):
    with pytest.raises(SpecError) as caught:
        read(tmp_path, [with_layer(thickness_cm=-1.0)] * 500)
    assert str(caught.value).splitlines()[-1].strip() == "... and 480 more"
