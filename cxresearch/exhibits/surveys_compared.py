"""Surveys against each other: wave after wave, answer against no answer, how soon people expect one, and pooled.

Each exhibit takes tables of the register (``evidence.load_waves``, ``load_evidence``, ``load_calibration``). ``n_low``
and ``n_high`` are the fewest and the most people that a survey of unknown size is taken to have asked; ``confidence`` is
that of the intervals, a share.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxresearch import figures
from cxresearch.evidence import (
    add_intervals,
    change_table,
    expectation_cells,
    expectation_curve,
    fit_expectation,
    order_test,
    pool,
    value_text,
)
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.style import format_duration, format_value

_ITEMS = {
    "problem_rate": "had trouble",
    "abandon_or_switch_intent": "would leave",
    "blog_or_social": "posted on social media",
}
_COUNTRIES = {"US": "the US", "UK": "Britain"}
_FIRST, _SECOND = "after a poor answer", "after no answer"
_STUDIES = {"email": "X03", "social": "X05"}
# From three quarters on the variation between surveys is called high (Higgins et al. 2003, doi:10.1136/bmj.327.7414.557).
_HIGH_I2 = 0.75
_NO_WAVES = "No survey of the register was repeated"


def problems_by_wave(waves: pd.DataFrame, *, n_low: int, n_high: int, confidence: float) -> Exhibit:
    """How many had trouble buying online, and how many would leave over it, wave by wave with intervals."""
    shopping = _shopping(waves)
    rows = shopping[shopping["metric"].isin(["problem_rate", "abandon_or_switch_intent"])]
    if rows.empty:
        return nothing(_NO_WAVES)
    lines = add_intervals(rows, n_low=n_low, n_high=n_high, confidence=confidence)
    lines = lines.assign(
        series=lines["metric"].map(_ITEMS) + ", " + lines["country"],
        year=lines["wave_year"],
        comparable=lines["base"] != "shoppers_if_problem",
    )
    steps = _steps(waves, n_low=n_low, n_high=n_high, confidence=confidence)
    fell = steps[(steps["item"] == "had trouble") & (steps["verdict"] == "change") & (steps["change"] < 0)]
    fell = fell.drop_duplicates("country", keep="last")
    falls = [f"{value_text(-row.change, 'share_points')} in {_COUNTRIES[row.country]}" for row in fell.itertuples()]
    return Exhibit(
        finding=f"Trouble fell by {' and '.join(falls)} by {fell['to_year'].max()}"
        if falls
        else f"No fall in trouble shows if only {format_value(n_low, 'count')} people were asked",
        subtitle="Tealeaf/Harris waves; bars are intervals, unknown n taken as "
        f"{format_value(n_low, 'count')}; hollow: another base",
        description="; ".join(f"{r.series} {r.year}: {value_text(r.value, 'share')}" for r in lines.itertuples()),
        kind="quoted",
        table=lines,
        shown=pd.DataFrame(),
        draw=functools.partial(figures.plot_trends, lines, measure="Share of its base"),
    )


def changes_between_waves(waves: pd.DataFrame, *, n_low: int, n_high: int, confidence: float) -> Exhibit:
    """Each step between two waves, tested where the base stayed the same."""
    steps = _steps(waves, n_low=n_low, n_high=n_high, confidence=confidence)
    if steps.empty:
        return nothing(_NO_WAVES)
    changed = int((steps["verdict"] == "change").sum())
    needed = steps["n_needed"].map(lambda n: "" if pd.isna(n) else format_value(n, "count"))
    columns = ["step", "share_from", "share_to", "lower", "upper", "n_needed", "verdict"]
    return Exhibit(
        finding=f"{changed} of {len(steps)} steps between waves are a change",
        caption=f"Change between waves; interval at {format_value(n_low, 'count')} people; n needed: people in each wave "
        "of unknown size for the change to show; empty: n known, no change or other base",
        table=steps,
        shown=steps.assign(n_needed=needed)[columns],
        units={"lower": "points", "upper": "points"},
    )


def social_media_forecast(
    waves: pd.DataFrame, items: pd.DataFrame, *, n_low: int, n_high: int, confidence: float
) -> Exhibit:
    """Whether complaints on social networks grew as one author bet, and how often brands answered meanwhile."""
    steps = _steps(waves, n_low=n_low, n_high=n_high, confidence=confidence)
    post = steps[steps["item"] == _ITEMS["blog_or_social"]]
    if post.empty:
        return nothing("No survey asked twice who complains on social networks")
    grew = bool((post["change"] > 0).all())
    told = [
        f"{value_text(r.share_from, 'share')} to {value_text(r.share_to, 'share')} ({r.country})"
        for r in post.itertuples()
    ]
    needed = [format_value(n, "count") for n in post["n_needed"].dropna()]
    sure = f", a change if at least {' and '.join(needed)} were asked in each wave" if needed else ""
    held = "and it held" if grew else "and it did not hold everywhere"
    says = (
        f"{'They did' if grew else 'They did not everywhere'}: {' and '.join(told)} within a year{sure}. It is the one "
        f"forecast in these articles that could be checked, {held}."
    )
    rates = items[items["item_id"].str.match("reply_rate_20")].sort_values("year")
    if len(rates) > 1:
        first, last = rates.iloc[0], rates.iloc[-1]
        fewer = "less" if last["value"] < first["value"] else "no less"
        says += (
            f"\n\nBrands answered {fewer} meanwhile: one platform counts "
            f"{value_text(first['value'], 'share', rounding=first['rounding'])} of messages answered in {first['year']} "
            f"and {value_text(last['value'], 'share')} in {last['year']}, with a changing set of clients behind it."
        )
    finding = f"Complaints on social networks {'grew' if grew else 'did not grow everywhere'}: {' and '.join(told)}"
    return Exhibit(finding=finding, says=says, table=post, shown=pd.DataFrame())


def vendor_loss(waves: pd.DataFrame) -> Exhibit:
    """What poor service costs the firms of a country, as one vendor extrapolates it from survey to survey."""
    of_it = (waves["series"] == "newvoicemedia") & (waves["metric"] == "annual_loss") & (waves["country"] == "US")
    loss = waves[of_it].sort_values("wave_year")
    if len(loss) < 2:
        return nothing("No vendor's loss was published twice")
    loss = loss.assign(year=loss["wave_year"], series="lost by US firms, as the vendor estimates")
    billions = [value_text(value, "USD_bn", rounding=0.5) for value in loss["value"]]
    years, grew = int(loss["year"].max() - loss["year"].min()), loss["value"].iloc[-1] > loss["value"].iloc[0]
    return Exhibit(
        finding=f"The vendor's loss {'grew' if grew else 'went'} from {billions[0]} to {billions[-1]} in {years} years",
        subtitle="NewVoiceMedia Serial Switchers, United States; an extrapolation, n never published, so no interval",
        description="; ".join(f"{year}: {text}" for year, text in zip(loss["year"], billions, strict=True)),
        kind="quoted",
        table=loss,
        shown=loss[["year", "value"]].rename(columns={"value": "billion_dollars"}),
        draw=functools.partial(figures.plot_trends, loss, measure="Billion dollars a year", share=False),
    )


def _shopping(waves: pd.DataFrame) -> pd.DataFrame:
    """The waves of the shopping survey; the one item printed on two bases stays on the one that was printed again."""
    other_base = (waves["metric"] == "blog_or_social") & (waves["base"] == "sharers")
    return waves[(waves["series"] == "tealeaf_harris") & ~other_base]


def _steps(waves: pd.DataFrame, *, n_low: int, n_high: int, confidence: float) -> pd.DataFrame:
    shopping = _shopping(waves)

    def tested() -> Iterator[pd.DataFrame]:
        for metric, item in _ITEMS.items():
            for country in _COUNTRIES:
                if ((shopping["metric"] == metric) & (shopping["country"] == country)).sum() > 1:
                    steps = change_table(
                        shopping, metric=metric, country=country, n_low=n_low, n_high=n_high, confidence=confidence
                    )
                    yield steps.assign(item=item, country=country)

    found = list(tested())
    if not found:
        return pd.DataFrame(columns=["item", "country", "verdict", "change", "to_year", "n_needed", "step"])
    steps = pd.concat(found)
    years = steps["from_year"].astype(str) + " to " + steps["to_year"].astype(str)
    return steps.assign(step=steps["item"] + ", " + steps["country"] + " " + years)


def unhelpful_or_none(items: pd.DataFrame, calibration: pd.DataFrame, *, confidence: float) -> Exhibits:
    """What the same people would do after a poor answer and after none, tested under the worst dependence."""
    answers = items[items["question"].isin([_FIRST, _SECOND])]
    pairs = answers.pivot_table(index="item", columns="question", values="value")
    pairs = pairs.reindex(columns=[_FIRST, _SECOND]).dropna()
    called_out = items[items["item_id"] == "ever_called_out"]
    if pairs.empty or called_out.empty:
        return Exhibits([nothing("No survey asked the same people about a poor answer and about none")])
    pairs = pairs.reset_index().rename(columns={_FIRST: "first", _SECOND: "second"})
    pairs = pairs.sort_values("first", ascending=False)
    asked, ever = int(answers["n"].max()), float(called_out["value"].iloc[0])
    n_callers = round(asked * ever)
    everybody = order_test(pairs, n=asked, confidence=confidence)
    callers = order_test(pairs, n=n_callers, confidence=confidence)
    lead = callers.iloc[0]
    worse = lead["first"] > lead["second"]
    people = format_value(asked, "count")
    figure = Exhibit(
        finding=f"An unhelpful answer is {'worse' if worse else 'no worse'} than none: {value_text(lead['first'], 'share')} "
        f"would {str(lead['item']).removesuffix(' the brand')}, not {value_text(lead['second'], 'share')}",
        subtitle=f"Would do; US internet users, {people} asked (2017); verdict if only the "
        f"{format_value(n_callers, 'count')} who ever called out a brand count",
        description="; ".join(
            f"{r.item}: {value_text(r.first, 'share')} against {value_text(r.second, 'share')}"
            for r in callers.itertuples()
        ),
        kind="quoted",
        table=callers,
        shown=callers[["item", "first", "second", "verdict"]]
        .assign(p_everybody=everybody["p_value"], p_callers=callers["p_value"])
        .rename(columns={"first": "after_a_poor_answer", "second": "after_none"}),
        units={"after_a_poor_answer": "share", "after_none": "share", "p_everybody": "p", "p_callers": "p"},
        draw=functools.partial(figures.plot_order, callers, first=_FIRST, second=_SECOND),
    )
    return Exhibits([figure, _order_in_words(everybody, callers, calibration, people, value_text(ever, "share"))])


def _order_in_words(
    everybody: pd.DataFrame, callers: pd.DataFrame, calibration: pd.DataFrame, people: str, ever: str
) -> Exhibit:
    sure = everybody["verdict"] == "survives"
    up = int((sure & (everybody["difference"] > 0)).sum())
    weak = callers.loc[callers["verdict"] != "survives", "item"]
    strong = callers.loc[(callers["difference"] > 0) & (callers["verdict"] == "survives"), "item"]
    holds = "every reaction" if sure.all() else f"{int(sure.sum())} of {len(everybody)} reactions"
    finding = f"Among all {people} the order holds for {holds}, even under the worst dependence"
    by_item = callers.set_index("item")
    forget = "forget about it"
    fewer = f"{up} hostile reactions rise" + (
        " and fewer forget about it" if forget in by_item.index and by_item.loc[forget, "difference"] < 0 else ""
    )
    gaps = f"{len(weak)} of {len(callers)} gaps become marginal: {', '.join(weak)}" if len(weak) else "every gap stays"
    survive = f"{' and '.join(repr(item) for item in strong)} survive" if len(strong) else "none survives"
    says = f"{finding}: {fewer}. If only the {ever} who ever called out a brand count, {gaps}. Of the hostile ones {survive}."
    other = "try another channel"
    if other in by_item.index and by_item.loc[other, "difference"] < 0:
        back = by_item.loc[other]
        says += (
            f"\n\nOne reaction goes the other way: {value_text(back['second'], 'share')} of the ignored would try another "
            f"channel, {value_text(back['first'], 'share')} after a poor answer. Silence costs a second contact; a poor "
            "answer costs the customer. "
        )
    # Households after a failure in service, asked by others in another year.
    for study in calibration[calibration["calibration_id"] == "X24"].itertuples():
        says += f"An independent study ({study.source}; {format_value(study.n, 'count')} households) came to the same order. "
    says += "All of it is intention: people imagining both cases, not customers who met one."
    return Exhibit(finding=finding, says=says, kind="quoted", table=everybody, shown=pd.DataFrame())


def expected_response_times(
    expectations: pd.DataFrame, claims: pd.DataFrame, *, immediate_s: float, confidence: float
) -> Exhibit:
    """The share who say they expect an answer so soon, by channel, beside the times that a vendor asks for.

    ``immediate_s`` is how long "immediately" may last, seconds: an assumption, no study prints it.
    """
    cells = _cells(expectations, immediate_s)
    target = claims.set_index("claim_id")["value"]
    if "email" not in cells or not {"C002-04", "C002-05"} <= set(target.index):
        return nothing("No survey asked how soon people expect an answer by e-mail")
    fits = _fits(cells, confidence)
    time_s = np.geomspace(15, 250_000, 200)
    curves = pd.concat(
        expectation_curve(fits[c].head(1), time_s, never=rows["never"].max()).assign(channel=c)
        for c, rows in cells.items()
    )
    printed = [rows.assign(channel=c, share=rows["printed"].cumsum(), fitted=True) for c, rows in cells.items()]
    checks = expectations[expectations["role"] == "check"].assign(fitted=False)
    points = pd.concat([*printed, checks])[["channel", "within_s", "share", "fitted"]].query("within_s < inf")
    # The vendor asks for chat within seconds and e-mail within minutes.
    chat_s, email_s = target["C002-05"], 60 * target["C002-04"]
    within = cells["email"].set_index("within_s")["share"].cumsum()
    # The last printed class that ends by then.
    by_then = within[within.index <= email_s]
    email = format_duration(email_s)
    expect = value_text(by_then.iloc[-1], "share") if len(by_then) else "Nobody knows how many"
    return Exhibit(
        finding=f"{expect} expect e-mail within the vendor's {email}",
        subtitle="Share who say they expect an answer so soon; United States, 2017 and 2018; dots: printed; hollow: other "
        f"studies; upright: targets of {format_duration(chat_s)} (chat) and {email} (e-mail)",
        description="; ".join(
            f"{p.channel} within {format_duration(p.within_s)}: {format_value(p.share, 'share')}"
            for p in points.itertuples()
        ),
        table=points,
        shown=pd.DataFrame(),
        draw=functools.partial(figures.plot_expectation, curves, points, targets_s=[chat_s, email_s]),
    )


def expectation_fits(expectations: pd.DataFrame, *, immediate_s: float, confidence: float) -> Exhibits:
    """Three shapes fitted to the printed classes of time, and how far the medians can be relied on."""
    cells = _cells(expectations, immediate_s)
    if set(cells) != set(_STUDIES):
        return Exhibits([nothing("No two surveys printed classes of time that a curve could be fitted to")])
    fits = _fits(cells, confidence)
    table = pd.concat(rows.assign(channel=channel) for channel, rows in fits.items())
    email, social = (fits[channel].iloc[0] for channel in ("email", "social"))
    median, social_median = format_duration(email["median_s"]), format_duration(social["median_s"])
    finding = f"By e-mail the median is {median}; on social media it is {social_median}"
    shorter, longer = (
        format_duration(_fits({"social": _cells(expectations, factor * immediate_s)["social"]}, confidence)["social"]
                        .iloc[0]["median_s"]) for factor in (0.5, 2.0)
    )  # fmt: skip
    columns = [
        "channel",
        "distribution",
        "median_s",
        "median_lower_s",
        "median_upper_s",
        "aic",
        "p_value",
        "largest_gap",
    ]
    shown = Exhibit(
        finding=finding,
        caption="Three shapes fitted to the printed classes of time, by maximum likelihood; best first",
        table=table,
        shown=table[columns],
        units={"largest_gap": "share"},
    )
    sentence = Exhibit(
        finding=finding,
        says=f"{finding} among those who expect an answer at all ({format_value(cells['social']['never'].max(), 'share')} do "
        f"not). The {email['distribution'].capitalize()} curve fits e-mail best and still misses by up to "
        f"{format_value(email['largest_gap'], 'points')}: people name round times, and no smooth law does. How long "
        f"'immediately' lasts is assumed: at half or twice the {format_duration(immediate_s)} the social-media median is "
        f"{shorter} or {longer}. The other studies (hollow) disagree by more than sampling: the question, the year and who "
        "complains all matter.",
    )
    return Exhibits([shown, sentence])


def _cells(expectations: pd.DataFrame, immediate_s: float) -> dict[str, pd.DataFrame]:
    there = set(expectations.loc[expectations["role"].isin(["immediate", "fit"]), "calibration_id"])
    return {
        channel: expectation_cells(expectations, study, immediate_s=immediate_s)
        for channel, study in _STUDIES.items()
        if study in there
    }


def _fits(cells: dict[str, pd.DataFrame], confidence: float) -> dict[str, pd.DataFrame]:
    return {
        channel: fit_expectation(rows, n=float(rows["n"].max()), confidence=confidence)
        for channel, rows in cells.items()
    }


def pooled_shares(waves: pd.DataFrame, expectations: pd.DataFrame, *, confidence: float) -> Exhibits:
    """Shares of one quantity from several surveys, combined where each printed how many it asked."""
    trouble, quick = "had trouble", "expect e-mail within 15 min"
    found = {trouble: _yearly_trouble(waves), quick: _quick_answers(expectations)}
    pools = {
        quantity: pool(rows, confidence=confidence).assign(quantity=quantity)
        for quantity, rows in found.items()
        if len(rows) > 1
    }
    if not pools:
        return Exhibits([nothing("No two surveys of one quantity printed how many they asked, so nothing is combined")])
    pooled = pd.concat(pools.values())
    i2 = {quantity: float(rows["i2"].iloc[0]) for quantity, rows in pools.items()}
    told = [f"{quantity}: {format_value(share, 'share')}" for quantity, share in i2.items()]
    shown = Exhibit(
        finding=f"Of the variation between surveys this is more than sampling: {'; '.join(told)}",
        caption="Pooled shares of one quantity, from surveys with a known number of people",
        table=pooled,
        shown=pooled[["study", "quantity", "estimate", "lower", "upper", "n", "i2"]],
        units={"estimate": "share", "i2": "share"},
    )
    says = []
    if trouble in i2:
        agree = (
            "the waves nearly agree, and their mean is a fair summary of those years"
            if i2[trouble] < _HIGH_I2
            else "the waves differ, and their mean is no summary of those years"
        )
        says.append(
            f"For trouble online {format_value(i2[trouble], 'share')} of the variation is more than sampling: {agree}."
        )
    if quick in i2:
        agree = "differ, and their mean is a number nobody found" if i2[quick] >= _HIGH_I2 else "nearly agree"
        more = "it is " if trouble in i2 else "more than sampling is "
        says.append(f"For e-mail {more}{format_value(i2[quick], 'share')}: the two surveys {agree}.")
        for share in expectations.loc[expectations["expectation_id"] == "x04_2014_within_900s", "share"]:
            says.append(f"The wave before them, of unknown size, printed {format_value(share, 'share')}.")
    return Exhibits([shown, Exhibit(finding=shown.finding, says=" ".join(says))])


def _yearly_trouble(waves: pd.DataFrame) -> pd.DataFrame:
    of_it = (waves["series"] == "tealeaf_harris") & (waves["metric"] == "problem_rate") & (waves["country"] == "US")
    yearly = waves[of_it].dropna(subset="n")
    return yearly.assign(study="Tealeaf/Harris " + yearly["wave_year"].astype(str), share=yearly["value"])


def _quick_answers(expectations: pd.DataFrame) -> pd.DataFrame:
    quick = expectations[expectations["expectation_id"].isin(["x03_to_900s", "x04_within_900s"])].dropna(subset="n")
    return quick.assign(metric="e-mail within 15 min", base="consumers", country="US")
