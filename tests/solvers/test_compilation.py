"""Compiled code in the disk cache is that of the sources and of the constants which it was compiled with."""

import itertools

from solvers.loops import compilation, euler, exponential, lines, spectra, survey
from solvers.loops.stages import HIGH_ORDER, Variant


def test_no_two_variants_share_an_index_of_the_cache():
    pairs = list(itertools.product((1, 2, 3), (False, True)))
    made = [
        *(euler.euler_step(Variant(dim, scheme, each)) for dim, each in pairs for scheme in (lines.MC, HIGH_ORDER)),
        *(factory(*pair) for pair in pairs for factory in (survey.survey, spectra.to_velocity, exponential.stage)),
    ]
    names = {(each.py_func.__module__, each.py_func.__qualname__) for each in made}
    assert len(names) == len(made) == 30
    assert all(name.endswith(compilation.SOURCES) for _, name in names)
