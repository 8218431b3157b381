import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.statistics import holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_just_what_the_stepwise_procedure_rejects(p_values):
    adjusted = holm(p_values)
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for step, i in enumerate(np.argsort(p_values, kind="stable")):
            if p_values[i] * (len(p_values) - step) > level:
                break
            rejected.add(int(i))
        assert set(np.flatnonzero(adjusted <= level)) == rejected


def test_holm_does_not_count_what_was_not_tested():
    assert holm([0.02, np.nan, 0.03])[[0, 2]] == pytest.approx(holm([0.02, 0.03]))
    assert np.isnan(holm([0.02, np.nan, 0.03])[1])
    assert holm([]).shape == (0,)
