"""Metrics of predicted against human distributions, published conventions and controls.

Everywhere ``p`` is the prediction and ``q`` the human truth. A metric that is a mean over utterances returns
the values of the utterances; their mean is the score of the corpus.
"""

from ambivox.metrics.brier import brier_mean, brier_sum
from ambivox.metrics.calibration_error import CalibrationCurve, calibration_curve, ece
from ambivox.metrics.classification import accuracy, macro_f1, top2_share, uar, weighted_f1
from ambivox.metrics.controls import VotePrior, constant_prior, one_hot_plurality, uniform, vote_prior
from ambivox.metrics.conventions import CONVENTIONS, Convention
from ambivox.metrics.correlation import r2_pearson, r2_per_emotion
from ambivox.metrics.divergences import js_distance, jsd_bits, jsd_nats, kl_bits
from ambivox.metrics.entropy import entropy_bits, entropy_spearman
from ambivox.metrics.failed import count_failed
from ambivox.metrics.metric import Metric, Score
from ambivox.metrics.overlap import bhattacharyya, hellinger, total_variation
from ambivox.metrics.registry import METRICS
from ambivox.metrics.skill import skill
from ambivox.metrics.smooth_calibration import smooth_ece

__all__ = [
    "CONVENTIONS",
    "METRICS",
    "CalibrationCurve",
    "Convention",
    "Metric",
    "Score",
    "VotePrior",
    "accuracy",
    "bhattacharyya",
    "brier_mean",
    "brier_sum",
    "calibration_curve",
    "constant_prior",
    "count_failed",
    "ece",
    "entropy_bits",
    "entropy_spearman",
    "hellinger",
    "js_distance",
    "jsd_bits",
    "jsd_nats",
    "kl_bits",
    "macro_f1",
    "one_hot_plurality",
    "r2_pearson",
    "r2_per_emotion",
    "skill",
    "smooth_ece",
    "top2_share",
    "total_variation",
    "uar",
    "uniform",
    "vote_prior",
    "weighted_f1",
]
