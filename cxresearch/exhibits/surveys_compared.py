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
)
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.ranking import listed
from cxresearch.exhibits.surveys import as_printed
from cxresearch.style import format_duration, format_value, phrase

_ITEMS = {
    "problem_rate": "had trouble",
    "abandon_or_switch_intent": "would leave",
    "blog_or_social": "posted on social media",
}
_COUNTRIES = ("US", "UK")
_FIRST, _SECOND = "after a poor answer", "after no answer"
_STUDIES = {"email": "X03", "social": "X05"}
# From three quarters on the variation between surveys is called high (Higgins et al. 2003, doi:10.1136/bmj.327.7414.557).
_HIGH_I2 = 0.75


def problems_by_wave(waves: pd.DataFrame, *, n_low: int, n_high: int, confidence: float) -> Exhibit:
    """How many had trouble buying online, and how many would leave over it, wave by wave with intervals."""
    shopping = _shopping(waves)
    rows = shopping[shopping["metric"].isin(["problem_rate", "abandon_or_switch_intent"])]
    if rows.empty:
        return nothing(phrase("No survey of the register was repeated"))
    lines = add_intervals(rows, n_low=n_low, n_high=n_high, confidence=confidence)
    lines = lines.assign(
        series=lines["metric"].map(_ITEMS).map(phrase) + ", " + lines["country"],
        year=lines["wave_year"],
        comparable=lines["base"] != "shoppers_if_problem",
    )
    steps = _steps(waves, n_low=n_low, n_high=n_high, confidence=confidence)
    fell = steps[(steps["item"] == "had trouble") & (steps["verdict"] == "change") & (steps["change"] < 0)]
    fell = fell.drop_duplicates("country", keep="last")
    falls = [_fall(row.country, as_printed(-row.change, "share_points")) for row in fell.itertuples()]
    fewest = format_value(n_low, "count")
    if falls:
        finding = phrase("Trouble fell by {falls} by {year}", falls=listed(falls), year=str(fell["to_year"].max()))
    else:
        finding = phrase("No fall in trouble shows if no more than {fewest} people were asked", fewest=fewest)
    return Exhibit(
        finding=finding,
        subtitle=phrase(
            "Tealeaf/Harris waves; bars are intervals, unknown n taken as {fewest}; hollow: another base", fewest=fewest
        ),
        description="; ".join(f"{row.series} {row.year}: {as_printed(row.value)}" for row in lines.itertuples()),
        kind="quoted",
        table=lines,
        shown=pd.DataFrame(),
        draw=functools.partial(figures.plot_trends, lines, measure=phrase("Share of its base")),
    )


def changes_between_waves(waves: pd.DataFrame, *, n_low: int, n_high: int, confidence: float) -> Exhibit:
    """Each step between two waves, tested where the base stayed the same."""
    steps = _steps(waves, n_low=n_low, n_high=n_high, confidence=confidence)
    if steps.empty:
        return nothing(phrase("No survey of the register was repeated"))
    changed = int((steps["verdict"] == "change").sum())
    needed = steps["n_needed"].map(lambda n: "" if pd.isna(n) else format_value(n, "count"))
    columns = ["step", "share_from", "share_to", "lower", "upper", "n_needed", "verdict"]
    return Exhibit(
        finding=phrase("{changed} of {all} steps between waves are a change", changed=str(changed), all=str(len(steps))),
        caption=phrase(
            "Change between waves; interval at {fewest} people; n needed: people in each wave of unknown size for the change to "
            "show; empty: n known, no change or other base",
            fewest=format_value(n_low, "count"),
        ),
        table=steps,
        shown=steps.assign(n_needed=needed)[columns],
        units={"lower": "points", "upper": "points"},
    )  # fmt: skip


def social_media_forecast(
    waves: pd.DataFrame, items: pd.DataFrame, *, n_low: int, n_high: int, confidence: float
) -> Exhibit:
    """Whether complaints on social networks grew as one author bet, and how often brands answered meanwhile."""
    steps = _steps(waves, n_low=n_low, n_high=n_high, confidence=confidence)
    post = steps[steps["item"] == _ITEMS["blog_or_social"]]
    if post.empty:
        return nothing(phrase("No survey asked twice who complains on social networks"))
    grew = bool((post["change"] > 0).all())
    steps_told = [
        phrase("{first} to {last} ({country})", first=as_printed(row.share_from), last=as_printed(row.share_to), country=row.country)
        for row in post.itertuples()
    ]  # fmt: skip
    told = listed(steps_told)
    if grew:
        finding = phrase("Complaints on social networks grew: {told}", told=told)
        says = phrase("They did: {told} within a year", told=told)
        held = phrase("It is the one forecast in these articles that could be checked, and it held.")
    else:
        finding = phrase("Complaints on social networks did not grow everywhere: {told}", told=told)
        says = phrase("They did not everywhere: {told} within a year", told=told)
        held = phrase("It is the one forecast in these articles that could be checked, and it did not hold everywhere.")
    if needed := [format_value(n, "count") for n in post["n_needed"].dropna()]:
        says += phrase(", a change if at least {needed} were asked in each wave", needed=listed(needed))
    says += f". {held}"
    rates = items[items["item_id"].str.match("reply_rate_20")].sort_values("year")
    if len(rates) > 1:
        first, last = rates.iloc[0], rates.iloc[-1]
        counted = {
            "first": as_printed(first["value"], rounding=first["rounding"]), "then": str(first["year"]),
            "last": as_printed(last["value"]), "now": str(last["year"]),
        }  # fmt: skip
        if last["value"] < first["value"]:
            meanwhile = phrase(
                "Brands answered less meanwhile: one platform counts {first} of messages answered in {then} and {last} in {now}, "
                "with a changing set of clients behind it.",
                **counted,
            )
        else:
            meanwhile = phrase(
                "Brands answered no less meanwhile: one platform counts {first} of messages answered in {then} and {last} in {now}, "
                "with a changing set of clients behind it.",
                **counted,
            )
        says += f"\n\n{meanwhile}"
    return Exhibit(finding=finding, says=says, table=post, shown=pd.DataFrame())


def vendor_loss(waves: pd.DataFrame) -> Exhibit:
    """What poor service costs the firms of a country, as one vendor extrapolates it from survey to survey."""
    of_it = (waves["series"] == "newvoicemedia") & (waves["metric"] == "annual_loss") & (waves["country"] == "US")
    loss = waves[of_it].sort_values("wave_year")
    if len(loss) < 2:
        return nothing(phrase("No vendor's loss was published twice"))
    loss = loss.assign(year=loss["wave_year"], series=phrase("lost by US firms, as the vendor estimates"))
    billions = [as_printed(value, "USD_bn", rounding=0.5) for value in loss["value"]]
    told = {"first": billions[0], "last": billions[-1], "years": str(int(loss["year"].max() - loss["year"].min()))}
    return Exhibit(
        finding=phrase("The vendor's loss grew from {first} to {last} in {years} years", **told)
        if loss["value"].iloc[-1] > loss["value"].iloc[0]
        else phrase("The vendor's loss went from {first} to {last} in {years} years", **told),
        subtitle=phrase(
            "NewVoiceMedia Serial Switchers, United States; an extrapolation, n never published, so no interval"
        ),
        description="; ".join(f"{year}: {text}" for year, text in zip(loss["year"], billions, strict=True)),
        kind="quoted",
        table=loss,
        shown=loss[["year", "value"]].rename(columns={"value": "billion_dollars"}),
        draw=functools.partial(figures.plot_trends, loss, measure=phrase("Billion dollars a year"), share=False),
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
    names = [
        phrase("{item}, {country} {first} to {last}", item=phrase(row.item), country=row.country, first=str(row.from_year), last=str(row.to_year))
        for row in steps.itertuples()
    ]  # fmt: skip
    return steps.assign(step=names)


def _fall(country: str, points: str) -> str:
    return (
        phrase("{points} in the US", points=points) if country == "US" else phrase("{points} in Britain", points=points)
    )


def unhelpful_or_none(items: pd.DataFrame, calibration: pd.DataFrame, *, confidence: float) -> Exhibits:
    """What the same people would do after a poor answer and after none, tested under the worst dependence."""
    answers = items[items["question"].isin([_FIRST, _SECOND])]
    pairs = answers.pivot_table(index="item", columns="question", values="value")
    pairs = pairs.reindex(columns=[_FIRST, _SECOND]).dropna()
    called_out = items[items["item_id"] == "ever_called_out"]
    if pairs.empty or called_out.empty:
        return Exhibits([nothing(phrase("No survey asked the same people about a poor answer and about none"))])
    pairs = pairs.reset_index().rename(columns={_FIRST: "first", _SECOND: "second"})
    pairs = pairs.sort_values("first", ascending=False)
    asked, ever = int(answers["n"].max()), float(called_out["value"].iloc[0])
    n_callers = round(asked * ever)
    everybody = order_test(pairs, n=asked, confidence=confidence)
    callers = order_test(pairs, n=n_callers, confidence=confidence)
    lead = callers.iloc[0]
    worse = lead["first"] > lead["second"]
    people = format_value(asked, "count")
    told = {
        "first": as_printed(lead["first"]), "deed": phrase(str(lead["item"]).removesuffix(" the brand")), "second": as_printed(lead["second"]),
    }  # fmt: skip
    figure = Exhibit(
        finding=phrase("An unhelpful answer is worse than none: {first} would {deed}, not {second}", **told)
        if worse
        else phrase("An unhelpful answer is no worse than none: {first} would {deed}, not {second}", **told),
        subtitle=phrase(
            "Would do; US internet users, {people} asked (2017); verdict if no others than the {callers} who ever called out a brand count",
            people=people, callers=format_value(n_callers, "count"),
        ),
        description="; ".join(
            phrase("{item}: {first} against {second}", item=phrase(row.item), first=as_printed(row.first), second=as_printed(row.second))
            for row in callers.itertuples()
        ),
        kind="quoted",
        table=callers,
        shown=callers[["item", "first", "second", "verdict"]]
        .assign(p_everybody=everybody["p_value"], p_callers=callers["p_value"])
        .rename(columns={"first": "after_a_poor_answer", "second": "after_none"}),
        units={"after_a_poor_answer": "share", "after_none": "share", "p_everybody": "p", "p_callers": "p"},
        draw=functools.partial(
            figures.plot_order, callers.assign(item=callers["item"].map(phrase)), first=phrase("after a poor answer"),
            second=phrase("after no answer"),
        ),
    )  # fmt: skip
    return Exhibits([figure, _order_in_words(everybody, callers, calibration, people, as_printed(ever))])


def _order_in_words(
    everybody: pd.DataFrame, callers: pd.DataFrame, calibration: pd.DataFrame, people: str, ever: str
) -> Exhibit:
    sure = everybody["verdict"] == "survives"
    up = int((sure & (everybody["difference"] > 0)).sum())
    weak = callers.loc[callers["verdict"] != "survives", "item"]
    strong = callers.loc[(callers["difference"] > 0) & (callers["verdict"] == "survives"), "item"]
    counts = {"people": people, "sure": str(int(sure.sum())), "all": str(len(everybody))}
    if sure.all():
        finding = phrase(
            "Among all {people} the order holds for every reaction, even under the worst dependence", people=people
        )
    else:
        finding = phrase(
            "Among all {people} the order holds for {sure} of {all} reactions, even under the worst dependence",
            **counts,
        )
    by_item = callers.set_index("item")
    forget, other = "forget about it", "try another channel"
    if forget in by_item.index and by_item.loc[forget, "difference"] < 0:
        says = f"{finding}: " + phrase("{up} hostile reactions rise and fewer forget about it.", up=str(up))
    else:
        says = f"{finding}: " + phrase("{up} hostile reactions rise.", up=str(up))
    if len(weak):
        says += " " + phrase(
            "If no others count than the {ever} who ever called out a brand, {weak} of {all} gaps become marginal: {items}.",
            ever=ever, weak=str(len(weak)), all=str(len(callers)), items=", ".join(map(phrase, weak)),
        )  # fmt: skip
    else:
        says += " " + phrase(
            "If no others count than the {ever} who ever called out a brand, every gap stays.", ever=ever
        )
    if len(strong):
        says += " " + phrase(
            "Of the hostile ones {items} survive.", items=listed([f"'{phrase(item)}'" for item in strong])
        )
    else:
        says += " " + phrase("Of the hostile ones none survives.")
    if other in by_item.index and by_item.loc[other, "difference"] < 0:
        says += "\n\n" + phrase(
            "One reaction goes the other way: {ignored} of the ignored would try another channel, {poor} after a poor answer. "
            "Silence costs a second contact; a poor answer costs the customer.",
            ignored=as_printed(by_item.loc[other, "second"]), poor=as_printed(by_item.loc[other, "first"]),
        )  # fmt: skip
    # Households after a failure in service, asked by others in another year.
    for study in calibration[calibration["calibration_id"] == "X24"].itertuples():
        says += " " + phrase(
            "An independent study ({source}; {n} households) came to the same order.",
            source=study.source, n=format_value(study.n, "count"),
        )  # fmt: skip
    says += " " + phrase("All of it is intention: people imagining both cases, not customers who met one.")
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
        return nothing(phrase("No survey asked how soon people expect an answer by e-mail"))
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
    if len(by_then):
        finding = phrase(
            "{share} expect e-mail within the vendor's {email}", share=as_printed(by_then.iloc[-1]), email=email
        )
    else:
        finding = phrase("Nobody knows how many expect e-mail within the vendor's {email}", email=email)
    return Exhibit(
        finding=finding,
        subtitle=phrase(
            "Share who say they expect an answer so soon; United States, 2017 and 2018; dots: printed; hollow: other studies; "
            "upright: targets of {chat} (chat) and {email} (e-mail)",
            chat=format_duration(chat_s), email=email,
        ),
        description="; ".join(
            phrase(
                "{channel} within {time}: {share}",
                channel=phrase(row.channel), time=format_duration(row.within_s), share=format_value(row.share, "share"),
            )
            for row in points.itertuples()
        ),
        table=points,
        shown=pd.DataFrame(),
        draw=functools.partial(
            figures.plot_expectation,
            *(table.assign(channel=table["channel"].map(phrase)) for table in (curves, points)),
            targets_s=[chat_s, email_s],
        ),
    )  # fmt: skip


def expectation_fits(expectations: pd.DataFrame, *, immediate_s: float, confidence: float) -> Exhibits:
    """Three shapes fitted to the printed classes of time, and how far the medians can be relied on."""
    cells = _cells(expectations, immediate_s)
    if set(cells) != set(_STUDIES):
        return Exhibits([nothing(phrase("No two surveys printed classes of time that a curve could be fitted to"))])
    fits = _fits(cells, confidence)
    table = pd.concat(rows.assign(channel=channel) for channel, rows in fits.items())
    email, social = (fits[channel].iloc[0] for channel in ("email", "social"))
    median, social_median = format_duration(email["median_s"]), format_duration(social["median_s"])
    finding = phrase(
        "By e-mail the median is {email}; on social media it is {social}", email=median, social=social_median
    )
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
        caption=phrase("Three shapes fitted to the printed classes of time, by maximum likelihood; best first"),
        table=table,
        shown=table[columns],
        units={"largest_gap": "share"},
    )
    among = phrase(
        "By e-mail the median is {email}; on social media it is {social} among those who expect an answer at all ({never} do not).",
        email=median, social=social_median, never=format_value(cells["social"]["never"].max(), "share"),
    )  # fmt: skip
    rests = phrase(
        "The {shape} curve fits e-mail best and still misses by up to {gap}: people name round times, and no smooth law does. How "
        "long 'immediately' lasts is assumed: at half or twice the {immediate} the social-media median is {shorter} or {longer}. The "
        "other studies (hollow) disagree by more than sampling: the question, the year and who complains all matter.",
        shape=phrase(email["distribution"].capitalize()), gap=format_value(email["largest_gap"], "points"),
        immediate=format_duration(immediate_s), shorter=shorter, longer=longer,
    )  # fmt: skip
    sentence = Exhibit(finding=finding, says=f"{among} {rests}")
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
        return Exhibits(
            [nothing(phrase("No two surveys of one quantity printed how many they asked, so nothing is combined"))]
        )
    pooled = pd.concat(pools.values())
    i2 = {quantity: float(rows["i2"].iloc[0]) for quantity, rows in pools.items()}
    told = [f"{phrase(quantity)}: {format_value(share, 'share')}" for quantity, share in i2.items()]
    shown = Exhibit(
        finding=phrase("Of the variation between surveys this is more than sampling: {told}", told="; ".join(told)),
        caption=phrase("Pooled shares of one quantity, from surveys with a known number of people"),
        table=pooled,
        shown=pooled[["study", "quantity", "estimate", "lower", "upper", "n", "i2"]],
        units={"estimate": "share", "i2": "share"},
    )
    says = []
    if trouble in i2:
        says.append(_trouble_agrees(i2[trouble]))
    if quick in i2:
        says.append(_quick_agrees(i2[quick], after=trouble in i2))
        for share in expectations.loc[expectations["expectation_id"] == "x04_2014_within_900s", "share"]:
            wave = phrase("The wave before them, of unknown size, printed {share}.", share=format_value(share, "share"))
            says.append(wave)
    return Exhibits([shown, Exhibit(finding=shown.finding, says=" ".join(says))])


def _trouble_agrees(i2: float) -> str:
    share = format_value(i2, "share")
    if i2 < _HIGH_I2:
        return phrase(
            "For trouble online {share} of the variation is more than sampling: the waves nearly agree, and their mean is a fair "
            "summary of those years.",
            share=share,
        )
    return phrase(
        "For trouble online {share} of the variation is more than sampling: the waves differ, and their mean is no summary of those "
        "years.",
        share=share,
    )


def _quick_agrees(i2: float, *, after: bool) -> str:
    """Of e-mail; ``after`` the same was said of trouble."""
    share = format_value(i2, "share")
    if i2 >= _HIGH_I2 and after:
        return phrase(
            "For e-mail it is {share}: the two surveys differ, and their mean is a number nobody found.", share=share
        )
    if i2 >= _HIGH_I2:
        return phrase(
            "For e-mail more than sampling is {share}: the two surveys differ, and their mean is a number nobody found.",
            share=share,
        )
    if after:
        return phrase("For e-mail it is {share}: the two surveys nearly agree.", share=share)
    return phrase("For e-mail more than sampling is {share}: the two surveys nearly agree.", share=share)


def _yearly_trouble(waves: pd.DataFrame) -> pd.DataFrame:
    of_it = (waves["series"] == "tealeaf_harris") & (waves["metric"] == "problem_rate") & (waves["country"] == "US")
    yearly = waves[of_it].dropna(subset="n")
    return yearly.assign(study="Tealeaf/Harris " + yearly["wave_year"].astype(str), share=yearly["value"])


def _quick_answers(expectations: pd.DataFrame) -> pd.DataFrame:
    quick = expectations[expectations["expectation_id"].isin(["x03_to_900s", "x04_within_900s"])].dropna(subset="n")
    return quick.assign(metric="e-mail within 15 min", base="consumers", country="US")
