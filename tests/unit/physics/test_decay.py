"""Decay chains against values computed in high precision by an independent package, and by hand."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from screening.physics import activities, beta_branches, cascades, half_life_s, lines_of, nuclide

YEAR_S = 365.2422 * 86400.0

# radioactivedecay 0.6.1, InventoryHP (ICRP 107, 320 digits): mixture, unit, age in s, Bq.
REFERENCE = [
    (
        {"U-235": 0.93, "U-238": 0.06, "U-234": 0.01, "U-232": 1e-10},
        "g",
        631138521.6,
        {
            "U-235": 74343.48492309643,
            "U-234": 2302044.982985332,
            "Th-231": 74343.48492340387,
            "Pa-234m": 746.191218934568,
            "U-232": 67.65863100851954,
            "Tl-208": 24.99273188121128,
            "Bi-214": 1.8259714020128877,
            "Ra-226": 1.8287524337677699,
            "Po-212": 44.5474199651972,
        },
    ),
    (
        {"Pu-238": 0.00012, "Pu-239": 0.938, "Pu-240": 0.058, "Pu-241": 0.0035, "Pu-242": 0.0002},
        "g",
        631138521.6,
        {
            "Pu-239": 2151517634.28883,
            "Pu-240": 485864614.5391163,
            "Pu-241": 5093594134.549776,
            "Am-241": 270190669.5884122,
            "U-237": 124953.9803697098,
            "Np-237": 1020.5634569449405,
            "Pa-233": 1011.2831112325073,
            "U-235": 42.37903066540834,
        },
    ),
    (
        {"U-238": 0.998, "U-235": 0.002},
        "g",
        157784630.4,
        {
            "U-238": 12411.64730364406,
            "Th-234": 12411.647303827356,
            "Pa-234m": 12411.647303827362,
            "Pa-234": 19.858635686127176,
            "U-234": 0.17187857957197408,
            "Th-231": 159.87846456207535,
        },
    ),
    (
        {"Th-232": 1.0},
        "Bq",
        1.0,
        {
            "Ra-228": 3.819996130602544e-09,
            "Ac-228": 5.97965654338356e-14,
            "Th-228": 2.290286767045748e-22,
            "Ra-224": 1.2550499057241686e-28,
            "Po-216": 1.4434094808629089e-31,
            "Po-212": 6.33569157474633e-42,
            "Tl-208": 1.5524604405183174e-45,
        },
    ),
    (
        {"Th-232": 1.0},
        "Bq",
        3.155692608e16,
        {
            "Th-232": 0.951862850755908,
            "Ra-228": 0.9518628511454605,
            "Po-216": 0.9518628512756946,
            "Po-212": 0.6097633425272676,
            "Tl-208": 0.34209950874851713,
        },
    ),
    (
        {"Ra-226": 1.0},
        "Bq",
        2592000.0,
        {
            "Rn-222": 0.9956252872203097,
            "Po-214": 0.9953767115040625,
            "Bi-214": 0.9955855853545997,
            "Pb-210": 0.002088491644251629,
            "Po-210": 7.678088943785999e-05,
        },
    ),
    (
        {"Mo-99": 1.0},
        "Bq",
        86400.0,
        {"Mo-99": 0.7770249112903582, "Tc-99m": 0.6893547264231611, "Tc-99": 5.704603692857836e-09},
    ),
    (
        {"Sr-82": 1.0},
        "Bq",
        3600.0,
        {"Sr-82": 0.99886180231922, "Rb-82": 0.9988966229959428},
    ),
]


@pytest.mark.parametrize(("amounts", "unit", "age_s", "expected"), REFERENCE)
def test_chains_have_the_digits_of_high_precision(
    amounts: dict[str, float], unit: str, age_s: float, expected: dict[str, float]
) -> None:
    found = activities(amounts, unit=unit, age_s=age_s)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-11), name


def test_against_the_package_itself_where_it_is_installed() -> None:
    """Nothing is skipped: without the package the committed values above are the whole comparison."""
    if importlib.util.find_spec("radioactivedecay") is None:
        assert len(REFERENCE) >= 8
        return
    import radioactivedecay

    amounts = {"Pu-241": 1.0, "Ra-226": 3.0, "Cs-137": 2.0}
    # in its double precision, which is quick, and loses digits to cancellation
    for age_s in (30 * 86400.0, 100.0 * YEAR_S, 1e6 * YEAR_S):
        found = activities(amounts, age_s=age_s)
        reference = radioactivedecay.Inventory(amounts, "Bq").decay(age_s, "s").activities("Bq")
        for name, value in reference.items():
            if value > 1e-12:
                assert found[name] == pytest.approx(float(value), rel=1e-6), (name, age_s)


def test_bateman_by_hand() -> None:
    fast, slow = np.log(2.0) / half_life_s("Mo-99"), np.log(2.0) / half_life_s("Tc-99m")
    age = 40000.0
    found = activities({"Mo-99": 1.0}, age_s=age)
    shape = slow / (slow - fast) * (np.exp(-fast * age) - np.exp(-slow * age))
    share = found["Tc-99m"] / shape
    assert found["Mo-99"] == pytest.approx(np.exp(-fast * age), rel=1e-12)
    assert share == pytest.approx(0.88, abs=0.01)


def test_grams_and_becquerels() -> None:
    # Specific activities: Cs-137 3.21e12, Co-60 4.18e13, Pu-239 2.30e9 Bq/g.
    for name, expected in (("Cs-137", 3.21e12), ("Co-60", 4.18e13), ("Pu-239", 2.30e9), ("U-238", 1.244e4)):
        assert activities({name: 1.0}, unit="g")[name] == pytest.approx(expected, rel=5e-3)
    assert activities({"Cs-137": 5.0}) == {"Cs-137": pytest.approx(5.0)}


def test_nothing_decays_into_more_than_itself() -> None:
    old = activities({"U-238": 1.0, "U-235": 0.0461}, age_s=5e6 * YEAR_S)
    # a series in equilibrium: every member of the main line at the parent's activity
    for name in ("Th-234", "Pa-234m", "U-234", "Th-230", "Ra-226", "Po-214", "Pb-210"):
        assert old[name] == pytest.approx(1.0, rel=3e-3), name
    assert next(iter(old)) in ("U-238", "U-235")
    order = list(old)
    assert order.index("Ra-226") < order.index("Rn-222") < order.index("Bi-214")


def test_americium_grows_into_plutonium() -> None:
    fresh = {"Pu-239": 0.938, "Pu-240": 0.058, "Pu-241": 3.5e-3}
    ages = [activities(fresh, unit="g", age_s=years * YEAR_S)["Am-241"] for years in (1.0, 10.0, 40.0)]
    assert ages == sorted(ages)
    energy, rate = lines_of(activities(fresh, unit="g", age_s=20 * YEAR_S))
    at_414 = rate[np.abs(energy - 413.7) < 0.1].sum()
    # per gram of Pu-239: 1.47e-5 photons a decay of 413.7 keV
    assert at_414 == pytest.approx(0.938 * 2.295e9 * 1.47e-5, rel=0.03)
    assert rate[np.abs(energy - 59.54) < 0.1].sum() > 50 * at_414


def test_lines_are_those_of_the_labels() -> None:
    energy, rate = lines_of(activities({"Cs-137": 1.0}, age_s=3600.0))
    assert rate[np.abs(energy - 661.66) < 0.1].sum() == pytest.approx(0.85, rel=0.02)
    assert (np.diff(energy) >= 0).all()
    for name in ("Co-60", "Ba-133", "Eu-152"):
        energy, rate = lines_of({name: 1.0}, min_photons_per_s=0.05)
        strong = nuclide(name).intensity > 0.05
        for line_kev, photons in zip(
            nuclide(name).energy_kev[strong], nuclide(name).intensity[strong], strict=True
        ):
            near = np.abs(energy - line_kev) < 0.3
            assert rate[near].sum() == pytest.approx(photons, rel=0.02), (name, line_kev)
    assert lines_of({})[0].size == 0


def test_cascades_emit_no_more_than_their_lines() -> None:
    assert cascades("Co-60")[0] == (0.9983, (1332.49, 1173.23))
    assert cascades("Na-22")[0] == (pytest.approx(0.899, abs=0.002), (1274.54, 511.0, 511.0))
    assert cascades("Y-88")[1].energy_kev == (1836.06, 898.04)
    assert cascades("Cs-137") == ()
    n_checked = 0
    for name, line_kev in (
        ("Ba-133", 356.0),
        ("Ba-133", 81.0),
        ("Eu-152", 344.3),
        ("Eu-152", 1408.0),
        ("Cs-134", 795.9),
        ("Cs-134", 604.7),
        ("Se-75", 264.7),
        ("Ir-192", 468.1),
        ("Bi-207", 1063.7),
        ("Tl-208", 583.2),
        ("Tl-208", 2614.5),
        ("Lu-176", 306.8),
        ("Na-24", 2754.0),
        ("Sb-125", 427.9),
    ):
        energy, rate = lines_of({name: 1.0})
        single = rate[np.abs(energy - line_kev) < 0.4].sum()
        together = sum(
            cascade.probability * sum(abs(e - line_kev) < 0.4 for e in cascade.energy_kev)
            for cascade in cascades(name)
        )
        assert together <= 1.06 * single, (name, line_kev, together, single)
        n_checked += together > 0.5 * single
    assert n_checked >= 10


def test_beta_endpoints() -> None:
    endpoint, share = beta_branches("Y-90")
    assert endpoint[-1] == pytest.approx(2279.8, abs=1.0)
    assert share.sum() == pytest.approx(1.0, abs=1e-3)
    assert beta_branches("Am-241")[0].size == 0


@pytest.mark.parametrize(
    ("amounts", "options", "message"),
    [
        ({"Xx-1": 1.0}, {}, "unknown or stable nuclide 'Xx-1'"),
        ({"Pb-208": 1.0}, {}, "unknown or stable nuclide 'Pb-208'"),
        ({"Cs-137": -1.0}, {}, "amount of Cs-137 is -1 Bq"),
        ({"Cs-137": float("nan")}, {"unit": "g"}, "amount of Cs-137 is nan g"),
        ({"Cs-137": 1.0}, {"unit": "kg"}, "unit must be 'Bq' or 'g', got 'kg'"),
        ({"Cs-137": 1.0}, {"age_s": -1.0}, "age -1 s is outside the range 0 to"),
        ({"Cs-137": 1.0}, {"age_s": float("inf")}, "age inf s is outside"),
    ],
)
def test_what_cannot_be_is_refused(amounts: dict, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        activities(amounts, **options)
    if not options:
        with pytest.raises(ValueError, match=r"unknown or stable|activity of Cs-137 is -1 Bq"):
            lines_of(amounts)


def test_branches_are_shared_and_cannot_be_changed() -> None:
    for values in beta_branches("Y-90"):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1.0
