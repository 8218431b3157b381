import pytest
from hypothesis import given

from ambivox.metrics import ece, jsd_nats
from tests.metrics.made_up_rows import corpora, untied

torch = pytest.importorskip("torch")
functional = pytest.importorskip("torchmetrics.functional")


@given(corpora())
def test_jsd_nats_is_that_of_torchmetrics(corpus):
    p, q = (torch.tensor(rows) for rows in corpus)
    reference = functional.regression.jensen_shannon_divergence(p, q, reduction="none")
    assert jsd_nats(p.numpy(), q.numpy()) == pytest.approx(reference.numpy(), abs=1e-9)


@given(corpora(row=untied))
def test_ece_without_ties_or_edges_is_that_of_torchmetrics(corpus):
    p, q = corpus
    p = 0.97 * p + 0.03 / p.shape[1]  # moves the confidences off the edges of the bins
    reference = functional.classification.multiclass_calibration_error(
        torch.tensor(p), torch.tensor(q.argmax(axis=1)), num_classes=p.shape[1], n_bins=10, norm="l1"
    )
    assert ece(p, q, n_bins=10) == pytest.approx(float(reference), abs=1e-6)
