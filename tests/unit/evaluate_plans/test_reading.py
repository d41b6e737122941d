"""Plans are read strictly, and every complaint names scenario, field and line."""

from __future__ import annotations

import pytest

from screening.errors import ConfigurationError, FormatError
from screening.evaluate.plans import example_names, example_plan, parse_plan, read_plan
from screening.evaluate.plans.quantities import parse_quantity
from screening.evaluate.plans.sweeping import sweep_of

HEADER = '[plan]\nname = "t"\nversion = "1"\n'
SOURCE = """
[[scenario]]
kind = "source"
name = "one"
portal = "rpm"
sources = [{ nuclide = "Cs-137", activity = "100 kBq" }]
trials = 60
required = 0.95
"""


def changed(old: str, new: str) -> str:
    assert old in SOURCE
    return HEADER + SOURCE.replace(old, new)


def test_a_plan_is_read_with_its_defaults():
    plan = parse_plan(HEADER + SOURCE)
    (scenario,) = plan.scenario
    assert plan.plan.detectors == ("pipeline",)
    assert plan.confidence_of(scenario) == 0.95
    assert scenario.event == "alarm"
    assert sweep_of(scenario) is None


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("500 kBq", "activity", 0.5),
        ("16 uCi", "activity", 0.592),
        ("2e3 n/s", "emission", 2000.0),
        ("7.2 km/h", "speed", 2.0),
        ("5 mm", "thickness", 0.5),
        ("250 cm", "distance", 2.5),
        ("2 %", "share", 0.02),
        (".5kg", "mass", 0.5),
    ],
)
def test_quantities_come_in_the_base_unit(text, kind, value):
    assert parse_quantity(text, kind) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["500", "500 m/s", "kBq", "-1 kBq", "0 kBq", "nan kBq", "1 kBq kBq", "1e999 kBq"]
)
def test_what_is_no_quantity_is_refused_with_what_was_written(text):
    with pytest.raises(ValueError, match="speed of light: '"):
        parse_quantity(text, "activity", name="speed of light")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (changed("trials = 60", "trails = 60"), r"scenario 1 \(one\), line 10: .*unknown field `trails`"),
        (changed("100 kBq", "100"), r"line 9: activity: '100' has no unit; allowed: Bq, kBq"),
        (changed("100 kBq", "100 km/h"), r"line 9: .*unit 'km/h' is none of a activity"),
        (changed("Cs-137", "Cs-138"), r"line 9: nuclide: 'Cs-138' is unknown; did you mean 'Cs-13"),
        (changed("Cs-137", "Cs-173"), r"line 9: nuclide: 'Cs-173' is unknown; did you mean 'Cs-137'"),
        (changed("Cs-137", "Gizmo"), r"nuclide: 'Gizmo' is unknown; none of \d+ names in screening.physics"),
        (
            changed('"rpm"', '"rpn"'),
            r"line 8: portal: 'rpn' is none of rpm, srpm; did you mean 'rpm'\?",
        ),
        (
            changed("required = 0.95", 'required = 0.95\nevent = "alarmed"'),
            r"line 12: event: 'alarmed' is none of alarm, alarm-within, .*; did you mean 'alarm'\?",
        ),
        (
            changed('"source"', '"sorce"'),
            "line 6: kind: 'sorce' is none of source, benign, image, indicator, measured; did you mean '",
        ),
        (changed('kind = "source"\n', ""), "missing required field `kind`; allowed: source, benign"),
        (
            changed("trials = 60", "trails = 60"),
            "`trails`; did you mean 'trials'.; a scenario of kind 'source' has: kind, name, .*labels$",
        ),
        (
            changed("nuclide =", "nuclid ="),
            "`nuclid`; did you mean 'nuclide'.; 'sources' has: nuclide, activity, emission$",
        ),
        ("plam = 1\n" + HEADER + SOURCE, "`plam`; did you mean 'plan'.; a plan has: plan, scenario$"),
        ((HEADER + SOURCE).replace('"1"', "1"), "line 3: version: Expected `str`, got `int`"),
        (changed("required = 0.95", "required = 1.0"), r"line 11: required: above 0 and below 1"),
        (changed("required = 0.95", 'required = "0.95"'), r"line 11: .*got `str`"),
        (
            changed("trials = 60", "trials = 58"),
            r"line 10: trials: 58 can never show required = 0.95 at 95% confidence; .* is 59",
        ),
        (
            changed("required = 0.95", "required = 0.95\nconfidence = 0.99"),
            r"line 10: trials: 60 can never show .* at 99% confidence; .* is 90",
        ),
        (changed("required = 0.95", "maximum = 0.001"), r"maximum = 0.001 .* is 2995"),
        (changed("required = 0.95", "required = 0.95\nmaximum = 0.05"), "either a required or a maximum"),
        (changed("trials = 60", ""), "trials: missing"),
        (changed("required = 0.95", 'required = 0.95\nevent = "identified"'), "line 12: event: .*spectra"),
        (changed("required = 0.95", 'required = 0.95\nevent = "alarm-within"'), "within: goes with"),
        (changed("required = 0.95", 'required = 0.95\nlimit = "1 kBq"'), "limit: goes with a list"),
        (changed('"100 kBq"', '"100 kBq", emission = "5 n/s"'), "either an activity or an emission"),
        (changed('activity = "100 kBq"', 'emission = "5 n/s"'), "line 9: emission: Cs-137 emits no neutrons"),
        (
            changed('"100 kBq"', '["1 kBq", "2 kBq", "3 kBq"]'),
            "activity: a curve needs 4 different values, got 3",
        ),
        (
            changed('"100 kBq" }]', '["1 kBq", "2 kBq", "3 kBq", "4 kBq"] }]\nspeed = ["1 m/s", "2 m/s"]'),
            "speed: one list is swept in a scenario, and activity is one",
        ),
        (HEADER + SOURCE + SOURCE, r"scenario 2 \(one\), line 15: name: 'one' is that of scenario 1 too"),
        (HEADER, "missing required field `scenario`"),
        ("scenario = []\n" + HEADER, "at least one"),
        (HEADER + SOURCE + "x = = 1\n", r"t.toml: .*line 12"),
        (
            HEADER
            + '[[scenario]]\nkind = "benign"\nname = "b"\nportal = "rpm"\ntraffic = "empty lane"\n'
            + "hours = 20\nmaximum_per_hour = 0.1\n",
            r"line 9: hours: 20 can never show 0.1 an hour at 95% confidence; the least is 29.96",
        ),
        (
            HEADER + '[[scenario]]\nkind = "image"\nname = "i"\nscene = "empty"\nevent = "object"\n'
            "trials = 60\nrequired = 0.9\n",
            "line 8: event: there is no object to point at",
        ),
        (
            HEADER + '[[scenario]]\nkind = "indicator"\nname = "i"\nindicator = "wire"\n'
            "trials = 60\nrequired = 0.9\n",
            "diameter: a wire, and nothing else, has one",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text, said):
    with pytest.raises(FormatError, match=said):
        parse_plan(text, name="t.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"no\.toml: No such file.*example:NAME with NAME one of imag"
    ):
        read_plan(tmp_path / "no.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(FormatError, match="not UTF-8 at byte 0"):
        read_plan(tmp_path / "bytes.toml")


def test_every_example_is_allowed_and_claims_nothing():
    assert set(example_names()) == {"imaging", "portal", "spectroscopic"}
    for name in example_names():
        plan = parse_plan(example_plan(name), name=name)
        assert "no claim of conformity" in plan.plan.remarks
    with pytest.raises(ConfigurationError, match="'n42' is unknown; known: imaging, portal, spectroscopic"):
        example_plan("n42")
    with pytest.raises(ConfigurationError, match="did you mean 'portal'"):
        example_plan("portl")
