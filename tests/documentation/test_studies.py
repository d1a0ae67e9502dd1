"""The studies of scripts/figures at small size, held to stored numbers.

As for the bundled cases the numbers come from the studies themselves; fits of curves amplify round-off, so they are
compared to five digits. What the pages say of the studies at full size is in scripts/quoted_numbers.toml.
"""

import h5py
import numpy as np
import pytest
from quoted import studies

STUDIES = (
    "exponents",
    "coulomb_rates",
    "hole_filling",
    "local_guarantee",
    "cross_check",
    "reference_data",
    "sgd",
    "predictions",
)


NUMBERS: dict[str, tuple[int, list[tuple[int, str, float]]]] = {
    "exponents": (
        36,
        [
            (3, "measured", 4.019043),
            (7, "measured", 2.9977),
            (10, "measured", 2.002225),
            (22, "measured", 2.061281),
            (29, "measured", 7.2398),
        ],
    ),
    "coulomb_rates": (
        12,
        [
            (0, "t to 1e-12", 13.83905),
            (2, "late rate", 0.8746669),
            (5, "certified after", 31.89168),
            (8, "t to 1e-12", 23.78949),
            (10, "late rate", 1.036771),
        ],
    ),
    "hole_filling": (
        35,
        [
            (0, "share at 1", 0.3586266),
            (3, "share at 4", 0.3067538),
            (6, "t to 1/2", 0.9832643),
            (21, "share at 1", 0.4778755),
            (24, "depth at 2", 0.9999824),
        ],
    ),
    "local_guarantee": (
        68,
        [
            (0, "slower by", 1.111472),
            (9, "slower by", 0.5844504),
            (32, "energy / first", 3.17201e-08),
            (40, "slower by", 10),
            (58, "slower by", 0.229977),
        ],
    ),
    "cross_check": (
        16,
        [
            (0, "64 cells", 0.01582423),
            (2, "32 cells", 2.943157e-05),
            (7, "16 cells", 0.005234727),
            (12, "32 cells", 0.008851332),
            (14, "16 cells", 6.928429e-05),
        ],
    ),
    "reference_data": (
        3,
        [
            (0, "L1 error", 1.580116e-07),
            (1, "KMD error", 3.570261e-07),
            (1, "KMD", 0.001031144),
            (2, "W", 0.004198853),
            (2, "factor", 0.9989155),
        ],
    ),
    "predictions": (
        10,
        [(0, "predicted", 1869.003), (3, "measured", 418299.8), (5, "predicted", 23.48997), (7, "certified", 12.67982)],
    ),
    "sgd": (
        11,
        [
            (1, "distance", 0.07887109),
            (4, "loss - 1", -0.01312877),
            (5, "scatter", 0.2979489),
            (7, "explained", 1.046134),
            (10, "scatter of the loss", 0.04953852),
        ],
    ),
}
"""Rows of each table, and some numbers by row and column."""


@pytest.mark.long
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_gives_its_table_and_its_figure_and_shows_what_it_should(name, tmp_path):
    done = studies.make(name, tmp_path, "--small")
    assert done.returncode == 0, done.stderr
    rows = studies.rows(tmp_path / f"{name}.csv")
    assert (tmp_path / f"{name}.png").stat().st_size > 20_000
    count, checked = NUMBERS[name]
    assert len(rows) == count
    for index, column, value in checked:
        assert float(rows[index][column]) == pytest.approx(value, rel=1e-5), (index, column)
    require_what_it_shows(name, rows, tmp_path)


def require_what_it_shows(name, rows, folder):
    """No certificate is exceeded; exponents are those of the theory; holes for s = 1 shrink like e^−t."""
    if name == "exponents":
        seen = [row for row in rows if float(row["decades"]) >= 1.5]
        assert len(seen) >= 10
        for row in seen:
            # a random start on a small grid: within three standard errors, or 3 %
            allowed = max(3 * float(row["error"]) / float(row["predicted"]), 0.03)
            assert abs(float(row["deviation"])) <= (allowed if row["d"] == "1" else 0.06)
    if name == "coulomb_rates":
        # the solver's tolerance of 1e−5 per e-folding of the KMD, fourteen of them, twice for the energy
        assert all(float(row["largest E / certificate"]) <= 1 + 3e-4 for row in rows)
        assert all(float(row["late rate"]) >= float(row["2 inf nu"]) * (1 - 1e-3) for row in rows)
        assert all(1 < float(row["certificate / E at t = 3"]) < 10 for row in rows if row["target"] == "constant")
    if name == "hole_filling":
        discs = [row for row in rows if row["hole"] == "ball" and row["s"] == "1.0" and row["d"] == "2"]
        assert float(discs[0]["share at 1"]) == pytest.approx(0.3679, rel=0.05)  # 32 cells
        halves = [float(row["t to 1/2"]) for row in rows if row["hole"] == "ball" and row["d"] == "2"]
        assert halves == sorted(halves)  # the larger s, the slower, in units of the longest mode's time
    if name == "local_guarantee":
        for row in rows:
            assert (row["verdict"] == "stalled") == (float(row["energy / first"]) > 1e-8)
            if row["verdict"] == "stalled":  # nowhere but where the target is nearly empty, and what is left is there
                assert float(row["e"]) < 0.1
                assert float(row["left where nu < 1/4"]) > 0.9
            if row["e"] == "1.0":  # a wave of a tenth is linear to about a tenth; what is farther falls faster
                assert float(row["slower by"]) < (1.15 if row["a"] == "0.0" else 1)
        near = [float(row["slower by"]) for row in rows if row["d"] == "1" and row["a"] == "0.0"]
        assert near[0] == pytest.approx(1, abs=0.15)
        assert near[:5] == sorted(near[:5])  # of waves next to their targets, the slower the emptier these are
    if name == "predictions":
        for row in rows:
            measured = float(row["measured"])
            assert 1 / 1.1 < float(row["ratio"]) < 1.1
            assert float(row["low"]) <= measured <= float(row["high"])
            assert float(row["at least"]) <= measured <= float(row["certified"])
    if name == "reference_data":
        for row in rows:
            assert row["verdict"] == "better-than-sampling"
            assert float(row["order"]) > 3  # of the fifth-order scheme, on grids of 8 cells and more
            assert float(row["KMD"]) < 0.7 * float(row["of samples"])
            if row["d"] == "1":  # a lattice of particles comes near the grid, all modes that are compared
                assert float(row["KMD"]) < 1e-5 * float(row["of samples"])
        assert "| d | s | cells | N |" in (folder / "README.md").read_text(encoding="utf-8")
        with h5py.File(folder / "reference_data.h5") as file:
            assert len(file) == 3
            for group in file.values():
                density, spacing = group["density"][()], group.attrs["lengths"] / np.array(group["target"].shape)
                np.testing.assert_allclose(density.reshape(5, -1).sum(axis=1) * spacing.prod(), 1, rtol=1e-12)
                assert group["positions"].shape == (5, 1000, density.ndim - 1)
    if name == "sgd":
        fits = studies.rows(folder / "sgd_exponents.csv")
        assert len(fits) == 7
        for fit in fits:  # within three standard errors, of η next to its higher orders within 1 %
            assert float(fit["error"]) < 0.15
            allowed = max(3 * float(fit["error"]), 0.01)
            assert float(fit["measured"]) == pytest.approx(float(fit["expected"]), abs=allowed), fit
        assert float(rows[0]["distance"]) < 1e-4  # gradient flow is the limit, but for grid and neurons
    if name == "cross_check":
        orders = {(row["problem"], row["solver"]): float(row["order"]) for row in rows}
        for problem in ("s = 1, d = 1: closed form", "s = 1, d = 1, target varies"):
            assert orders[(problem, "upwind")] == pytest.approx(1, abs=0.2)
            assert orders[(problem, "muscl")] == pytest.approx(2, abs=0.2)
            assert orders[(problem, "sharp")] > 4
            assert orders[(problem, "spectral")] > 6
