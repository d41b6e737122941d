"""Trials follow from plan, seed and index, and hold what the scenario says."""

from __future__ import annotations

import numpy as np
import pytest

from screening.errors import ConfigurationError
from screening.evaluate.plans import parse_plan, replay_trial
from screening.evaluate.plans.trials import make_trial, trial_count, trial_seed

HEADER = '[plan]\nname = "t"\nversion = "1"\n'


def scenario(kind="source", **fields):
    lines = {
        "kind": kind,
        "name": "one",
        **({"portal": "rpm"} if kind in ("source", "benign") else {}),
        **({"sources": [{"nuclide": "Cs-137", "activity": "1 MBq"}]} if kind == "source" else {}),
        "trials": 60,
        **fields,
    }
    if "maximum" not in fields and "maximum_per_hour" not in fields:
        lines.setdefault("required", 0.95)

    def _text(value):
        if isinstance(value, str):
            return f'"{value}"'
        if isinstance(value, list):
            return "[" + ", ".join(map(_text, value)) + "]"
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{k} = {_text(v)}" for k, v in value.items()) + " }"
        return str(value)

    body = "".join(f"{k} = {_text(v)}\n" for k, v in lines.items() if v is not None)
    return parse_plan(f"{HEADER}[[scenario]]\n{body}")


def test_a_trial_is_made_again_as_it_was():
    plan = scenario()
    first, again = make_trial(plan.scenario[0], 3, 7), replay_trial(plan, "one", 3, 7)
    assert first.scan.identity.scan_id == again.scan.identity.scan_id
    assert np.array_equal(first.scan.payload.gamma_counts, again.scan.payload.gamma_counts)
    other = make_trial(plan.scenario[0], 4, 7)
    assert not np.array_equal(first.scan.payload.gamma_counts, other.scan.payload.gamma_counts)
    with pytest.raises(ConfigurationError, match="no scenario 'two'; there are: one"):
        replay_trial(plan, "two", 0, 7)


def test_seeds_differ_by_run_scenario_and_trial():
    seeds = {trial_seed(run, name, i) for run in (0, 1) for name in ("a", "b") for i in range(500)}
    assert len(seeds) == 2000


def test_points_of_a_sweep_share_their_background_and_the_last_has_no_source():
    plan = scenario(
        sources=[{"nuclide": "Cs-137", "activity": ["1 kBq", "2 kBq", "300 kBq", "600 kBq"]}], required=0.95
    )
    trials = [make_trial(plan.scenario[0], 0, 1, point=p) for p in range(5)]
    assert len({one.seed for one in trials}) == 1
    assert np.array_equal(
        trials[0].scan.payload.background.gamma_cps, trials[3].scan.payload.background.gamma_cps
    )
    assert [one["activity_mbq"] for one in trials[2].truth["sources"]] == [0.3]
    assert trials[4].truth["sources"] == []
    bare = trials[4].scan.payload.gamma_counts.sum()
    assert bare < trials[2].scan.payload.gamma_counts.sum() < trials[3].scan.payload.gamma_counts.sum()


def test_the_source_is_beside_the_panels_when_most_is_counted():
    trial = make_trial(scenario(sources=[{"nuclide": "Co-60", "activity": "20 MBq"}]).scenario[0], 0, 1)
    payload = trial.scan.payload
    start = np.concatenate([[0.0], np.cumsum(payload.interval_s)[:-1]])
    busiest = int(payload.gamma_counts.sum(axis=1).argmax())
    assert start[busiest] - 0.3 <= trial.beside_s <= start[busiest] + payload.interval_s[busiest] + 0.3


def test_distance_shielding_and_speed_weaken_a_source():
    def nsigma(**fields):
        return make_trial(scenario(**fields).scenario[0], 0, 1).truth["expected_nsigma"]

    usual = nsigma()
    assert nsigma(distance="4 m") < 0.7 * usual
    assert nsigma(speed="20 km/h") < usual
    thin = nsigma(shielding=[{"material": "steel", "thickness": "1 cm"}])
    thick = nsigma(shielding=[{"material": "steel", "thickness": "50 mm"}])
    assert thick < thin < usual


def test_a_source_given_by_neutrons_has_the_activity_that_emits_them():
    trial = make_trial(scenario(sources=[{"nuclide": "Cf-252", "emission": "20000 n/s"}]).scenario[0], 0, 1)
    (source,) = trial.truth["sources"]
    assert source["neutrons_per_s"] == 20000.0
    # 2.314e12 n/s and 19.8 TBq a gram: 0.117 neutrons a decay
    assert source["activity_mbq"] == pytest.approx(20000 / 0.117e6, rel=0.02)


def test_uranium_is_a_sphere_that_holds_back_its_own_photons():
    (source,) = make_trial(
        scenario(portal="srpm", sources=[{"nuclide": "HEU", "activity": "50 MBq"}]).scenario[0], 0, 1
    ).truth["sources"]
    # 20 g of uranium of 18.95 g/cm3: a radius of 0.63 cm, 12 g/cm2
    assert source["radius_g_cm2"] == pytest.approx(12.0, rel=0.05)


def test_a_masking_load_is_aboard_and_its_labels_are_not_required():
    trial = make_trial(scenario(portal="srpm", masking="potash", event="identified").scenario[0], 0, 1)
    assert trial.truth["nuclides"] == ["Cs-137", "K-40"]
    assert trial.required == ("Cs-137",)
    source, load = trial.truth["sources"]
    assert source["height_m"] > 1.2 + 2.0 * (
        load["height_m"] - 1.2
    )  # on top of the load, in no way behind it
    alone = make_trial(scenario("benign", portal="srpm", goods="potash", maximum=0.05).scenario[0], 0, 1)
    assert alone.truth["nuclides"] == ["K-40"]


def test_an_empty_lane_is_watched_for_its_hours():
    plan = scenario("benign", traffic="empty lane", hours=31.0, maximum_per_hour=0.1, trials=None)
    trial = make_trial(plan.scenario[0], 0, 1)
    assert trial.truth["sources"] == []
    assert trial.truth["suppression"] == 0.0
    assert trial_count(plan.scenario[0]) * trial.duration_s >= 31.0 * 3600.0
    busy = make_trial(scenario("benign", maximum=0.05).scenario[0], 0, 1)
    assert busy.truth["sources"] == []


def test_a_hidden_load_is_in_the_picture():
    plan = scenario("image", scene="hidden", material="lead", mass="20 kg", event="object")
    trial = make_trial(plan.scenario[0], 0, 1, is_short=True)
    (hidden,) = trial.truth["objects"]
    assert hidden["label"] == "hidden"
    assert trial.truth["cargo_mass_kg"] == pytest.approx(20.0, rel=0.3)


def test_what_the_simulator_refuses_names_the_trial():
    refused = scenario(speed="1000 km/h")
    with pytest.raises(ConfigurationError, match=r"scenario 'one', trial 0: .*speed"):
        make_trial(refused.scenario[0], 0, 1)
