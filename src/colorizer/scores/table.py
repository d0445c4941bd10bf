"""The table of scores: what each is called, how it is read, where it is shown, what computes it.

metrics.json, the CSV files, the bootstrap intervals, MLflow's metrics, the report, the choices of
`register.metric` and docs/results/measures.md follow this table. To add a score, add an entry here
and its function in `colorizer.evaluation`. Nothing heavy is imported here, so that `params` can
read the table.
"""

from dataclasses import replace

from colorizer.scores.score import POOLED, READ, Place, Score

NEAR, MUCH, WHICH = "How near to the original", "How much color", "Which colors"

DDCOLOR = "the code of DDColor (2023) and CT2 (2022)"
HASLER = "Hasler and Süsstrunk 2003"
WANG = "Wang et al. 2004"
ZHANG = "Zhang, Isola and Efros 2016, 3.1"


def _in_the_dark(score: Score) -> Score:
    """Return the same score of the pixels below L* 30 alone."""
    label = f"{score.label}; of pixels in the dark, L* < 30"
    group = score.group if score.name == "false_red" else ""
    return replace(score, name=f"dark_{score.name}", label=label, group=group, places=(), dark=True)


def _hue_hit(color: str, first: float, last: float) -> Score:
    """Return the hue hit of the pixels of one color alone."""
    label = f"hue_hit of pixels that are {color} in the original, {first:g}° to {last:g}°"
    options = {"sector": (first, last)}
    return replace(HUE_HIT, name=f"hue_hit_{color}", label=label, options=options, places=())


# fmt: off
FIDELITY = (
    Score("l2", "mean squared error of the network's own ab / 110, as in the study",
          "lower", "images", "fidelity.l2", group=NEAR, chooses=True),
    Score("l2_lab", "mean squared error of ab as shown",
          "lower", "images", "fidelity.l2_lab", unit="CIELAB units²", chooses=True),
    Score("psnr", "signal-to-noise ratio of sRGB; dull pictures win",
          "higher", "images", "fidelity.psnr", unit="dB", group=NEAR, chooses=True),
    Score("ssim", "structural similarity of sRGB; dull pictures win",
          "higher", "images", "fidelity.ssim", group=NEAR, chooses=True, reference=WANG),
    Score("delta_e2000", "color difference that people see, CIEDE2000",
          "lower", "images", "fidelity.delta_e2000", group=NEAR, places=("list",), chooses=True,
          reference="Sharma, Wu and Dalal 2005"),
    Score("lpips", "distance as AlexNet sees it",
          "lower", "images", "perceptual.lpips", group=NEAR, optional=True,
          reference="Zhang et al. 2018"),
    Score("fid", "distance of the two sets of pictures as Inception sees them",
          "lower", "set", "", group=NEAR, optional=True, reference="Heusel et al. 2017"),
    Score("auc", "share of pixels within a distance of the true ab, over all distances",
          "higher", "images", "fidelity.auc", group=NEAR, places=("pairs", "list"), chooses=True,
          reference=ZHANG),
    Score("auc_rebalanced", "auc in which every color counts alike, however rare",
          "higher", "pixels", "fidelity.auc_rebalanced", group=NEAR, places=("pairs", "list"),
          chooses=True, reference=ZHANG),
)
COLORFULNESS = (
    Score("colorfulness", "how colorful people find the pictures",
          "original", "images", "fidelity.colorful", group=MUCH, reference=HASLER),
    Score("colorfulness_original", "colorfulness of the originals",
          "original", "images", "fidelity.colorful_original", reference=HASLER),
    Score("colorfulness_distance", "how far a picture's colorfulness is from its original's",
          "zero", "images", "fidelity.colorfulness_distance", reference=HASLER),
    Score("colorfulness_gap", "how far mean colorfulness is from the originals'",
          "zero", "set", "fidelity.colorfulness_excess", group=MUCH,
          finish="sums.absolute_ratio", reference=HASLER),
    Score("colorfulness_absolute", "colorfulness of |rg| and |yb|, as some papers have it",
          "original", "images", "fidelity.absolute_colorful", reference=DDCOLOR),
    Score("colorfulness_absolute_original", "colorfulness_absolute of the originals",
          "original", "images", "fidelity.absolute_colorful_original", reference=DDCOLOR),
    Score("colorfulness_absolute_gap", "how far mean colorfulness_absolute is from the originals'",
          "zero", "set", "fidelity.absolute_colorfulness_excess",
          finish="sums.absolute_ratio", reference=DDCOLOR),
)
BIAS = (
    Score("chroma_ratio", "chroma over the originals'; less is dull, more is garish",
          "one", "pixels", "color_bias.chroma_ratio", group=MUCH,
          places=("pairs", "strata", "list")),
    Score("neutral_leakage", "chroma where the originals have none, C < 5",
          "original", "pixels", "color_bias.neutral_leakage", unit="CIELAB units", group=MUCH),
    Score("hue_distance", "how far chroma has to turn to lie as the originals'",
          "zero", "pixels", "color_bias.hue_histograms", unit="degrees", group=WHICH,
          finish="color_bias.hue_distance", reference="Rabin, Delon and Gousseau 2011"),
    Score("delta_a", "lean toward red (+) or green (-)",
          "zero", "pixels", "color_bias.delta_a", unit="CIELAB units", group=WHICH,
          places=("pairs", "strata")),
    Score("delta_b", "lean toward yellow (+) or blue (-)",
          "zero", "pixels", "color_bias.delta_b", unit="CIELAB units", group=WHICH),
    Score("red_share_ratio", "red's share of the chroma over that of the originals",
          "one", "pixels", "color_bias.red_shares", group=WHICH, places=("pairs", "strata"),
          finish="color_bias.red_share_ratio"),
    Score("false_red", "share of other colors' pixels, C > 10, that turn red; dull pictures win",
          "lower", "pixels", "color_bias.false_red", group=WHICH,
          places=("pairs", "strata", "list")),
    Score("red_recall", "share of the red pixels that turn red",
          "higher", "pixels", "color_bias.red_recall", group=WHICH),
)
HUE_HIT = Score("hue_hit", "share of vivid pixels, C > 15, that get their hue within 45°, C > 8",
                "higher", "pixels", "color_bias.hue_hit", group=WHICH, places=("pairs", "list"))
SKIN = (
    Score("skin_hit", "share of the skin in faces that gets its hue within 25°, C > 8",
          "higher", "faces", "skin.skin_hit", group=WHICH, places=("pairs",)),
    Score("skin_chroma", "chroma of the skin in faces over the originals'; less is pale",
          "one", "faces", "skin.skin_chroma", group=MUCH, places=("pairs",)),
)
SCORES: tuple[Score, ...] = (
    *FIDELITY, *COLORFULNESS, *BIAS, *map(_in_the_dark, BIAS),
    HUE_HIT, _hue_hit("blue", 200, 300), _hue_hit("green", 100, 170), _hue_hit("warm", 330, 100),
    *SKIN,
)
"""All scores, in the order in which tables show them."""
# fmt: on


def by_name() -> dict[str, Score]:
    """Return the table by the scores' names."""
    return {score.name: score for score in SCORES}


def by_group() -> dict[str, list[Score]]:
    """Return the scores that the report shows, under their headings."""
    groups = dict.fromkeys(score.group for score in SCORES if score.group)
    return {group: [score for score in SCORES if score.group == group] for group in groups}


def shown_in(place: Place) -> list[str]:
    """Return the names of the scores that are shown in a place."""
    return [score.name for score in SCORES if place in score.places]


def choices() -> list[str]:
    """Return the names that `register.metric` may have."""
    return [score.name for score in SCORES if score.chooses]


def lower_is_better(name: str) -> bool:
    """Return whether of two values of a score, one of `choices()`, the lower one wins."""
    return by_name()[name].better == "lower"


def to_markdown() -> str:
    """Return the table for docs/results/measures.md."""
    lines = ["| score | says | unit | read | how | reference |", "|---|---|---|---|---|---|"]
    for s in SCORES:
        cells = (f"`{s.name}`", s.label, s.unit, READ[s.better], POOLED[s.over], s.reference)
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines) + "\n"
