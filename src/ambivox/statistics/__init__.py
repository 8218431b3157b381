"""Statistics of scores: intervals and tests clustered by speaker, ambiguity, noise ceiling, sensitivity."""

from ambivox.statistics.ambiguity import TERTILES, Tertiles, ambiguity_tertiles, rarefied_entropy_bits
from ambivox.statistics.clusters import cluster_sums, count_clusters, draw_weights, effective_clusters
from ambivox.statistics.crossed import crossed_interval
from ambivox.statistics.interval import MIN_CLUSTERS, Interval, mean_interval, ratio_intervals
from ambivox.statistics.multiple import holm
from ambivox.statistics.noise_ceiling import VoteModel, fit_vote_model, mean_over_redraws, redraw_votes
from ambivox.statistics.planning import detectable_difference, equivalent, scatter
from ambivox.statistics.prior import SharpenedPrior, prior_scatter, sharpened_prior
from ambivox.statistics.sensitivity import Sensitivity, sensitivity

__all__ = [
    "MIN_CLUSTERS",
    "TERTILES",
    "Interval",
    "Sensitivity",
    "SharpenedPrior",
    "Tertiles",
    "VoteModel",
    "ambiguity_tertiles",
    "cluster_sums",
    "count_clusters",
    "crossed_interval",
    "detectable_difference",
    "draw_weights",
    "effective_clusters",
    "equivalent",
    "fit_vote_model",
    "holm",
    "mean_interval",
    "mean_over_redraws",
    "prior_scatter",
    "rarefied_entropy_bits",
    "ratio_intervals",
    "redraw_votes",
    "scatter",
    "sensitivity",
    "sharpened_prior",
]
