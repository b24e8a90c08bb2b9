"""Everything that can be wrong with a report is found before a kernel starts."""

from __future__ import annotations

import math
from datetime import date, datetime

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cxresearch.report.run.limits import LIMITS
from cxresearch.report.run.parameters import (
    ParameterError,
    accepts,
    check_parameters,
    check_ranges,
    declared_parameters,
    in_range,
    load_report,
    parse_settings,
    read_text,
)


def notebook(source: str) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_code_cell(source, metadata={"tags": ["parameters"]})])


def test_the_parameters_cell_is_read_as_python_not_by_pattern():
    declared = declared_parameters(
        notebook('a: float = 1.5  # seconds\nb: str = "x = # y"\nc: None | str = None\nd: list[int] = [1, 2]')
    )
    assert {name: line.default for name, line in declared.items()} == {"a": 1.5, "b": "x = # y", "c": None, "d": [1, 2]}
    assert declared["c"].annotation == "None | str"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a = 1", "name: type = literal"),
        ("a: int = 1\nb: int = a + 1", "default of b is no literal"),
        ("a: int = 1.5", "default of a is 1.5, not int"),
        ("a: Path = 'x'", "annotation 'Path' is not known"),
    ],
)
def test_a_parameters_cell_that_would_mislead_is_refused(source, message):
    with pytest.raises(ParameterError, match=message):
        declared_parameters(notebook(source))


def test_a_notebook_needs_exactly_one_parameters_cell():
    with pytest.raises(ParameterError, match="0 cells tagged"):
        declared_parameters(new_notebook())


@pytest.mark.parametrize(
    ("annotation", "value", "accepted"),
    [
        ("float", 1, True), ("float", True, False), ("float", math.nan, False), ("int", 1.0, False), ("int", True, False),
        ("bool", True, True), ("bool", 1, False), ("str", "", True), ("date", "1999-02-28", True),
        ("date", "1999-02-30", False), ("list[float]", [1, 2.5], True), ("list[float]", [1, "2"], False),
        ("Literal['a', 2]", 2, True), ("Literal['a', 2]", "2", False), ("int | None", None, True),
        ("dict", {}, True), ("list", [], True),
    ],
)  # fmt: skip
def test_what_an_annotation_accepts(annotation, value, accepted):
    assert accepts(annotation, value) is accepted


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("false", "bool", False), ("True", "bool", True), ("007", "str", "007"), ("60", "float", 60.0), ("-3", "int", -3),
        ("null", "int | None", None), ("none", "None | str", None), ("a", "None | str", "a"), ("1,2", "list[int]", [1, 2]),
        ("", "list[int]", []), ("fast", "Literal['fast', 'slow']", "fast"), ("0.5", "float", 0.5), ("1e3", "float", 1000.0),
        ("a=b#c", "str", "a=b#c"),
    ],
)  # fmt: skip
def test_texts_of_the_command_line_are_read_by_type(text, annotation, value):
    read = read_text(text, annotation, "x")
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "annotation"),
    [
        ("007", "int"), ("yes", "bool"), ("1", "bool"), ("3.5", "int"), ("nan", "float"), ("inf", "float"),
        ("medium", "Literal['fast', 'slow']"), ("1,x", "list[int]"), ("", "int"), ("1999-02-30", "date"),
    ],
)  # fmt: skip
def test_texts_that_do_not_fit_are_refused(text, annotation):
    with pytest.raises(ParameterError, match="x should be"):
        read_text(text, annotation, "x")


def test_names_are_checked():
    declared = declared_parameters(notebook("horizon_s: float = 1.0"))
    with pytest.raises(ParameterError, match="did you mean 'horizon_s'"):
        parse_settings(["horizont_s=2"], declared)
    with pytest.raises(ParameterError, match="cannot be the name"):
        parse_settings(["import os; os.remove('x')=2"], declared)
    with pytest.raises(ParameterError, match="takes name=value"):
        parse_settings(["horizon_s"], declared)
    with pytest.raises(ParameterError, match="given twice"):
        parse_settings(["horizon_s=2", "horizon_s=3"], declared)
    with pytest.raises(ParameterError, match="should be float; got '2'"):
        check_parameters({"horizon_s": "2"}, declared, "here")


REPORT = 'title = "T"\nperiod = "month"\nnotebooks = ["one"]\n'


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook("horizon_s: float = 1.0"), tmp_path / "notebooks" / "one.ipynb")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('titel = "T"\n', "unknown key 'titel' .did you mean 'title'"),
        ('title = "T"\nperiod = "month"\n', "notebooks is missing"),
        (REPORT.replace("month", "fortnight"), "period is one of"),
        (REPORT.replace("one", "two"), "no notebook two.ipynb"),
        (REPORT + "[parameters]\nhorizon_s = true\n", "horizon_s should be float; got True"),
        (REPORT + "[parameters]\nhorizon = 1\n", "unknown parameter 'horizon'"),
        (REPORT + 'may_fail = ["three"]\n', "may_fail names three"),
        (REPORT + "title = 3", "monthly.toml"),
        (REPORT + "retries = -1\n", "retries is a number from 0; got -1"),
        (REPORT + "retries = true\n", "retries has the wrong type"),
        (REPORT + "cell_timeout_s = 0\n", "cell_timeout_s is a number from 1"),
        (REPORT + "run_timeout_s = 0.5\n", "run_timeout_s is a number from 1"),
        (REPORT + "[ranges]\nhorizont_s = [1, 2]\n", "did you mean 'horizon_s'"),
        (REPORT + "[ranges]\nhorizon_s = [1]\n", "the range of horizon_s is .lowest, highest."),
        (REPORT + "[ranges]\nhorizon_s = [2, 1]\n", "the lower one first"),
        (REPORT + '[ranges]\nhorizon_s = [1, "2"]\n', "two numbers or two dates"),
        (REPORT + "[ranges]\nhorizon_s = [2, inf]\n", "horizon_s should be at least 2; got 1.0"),
        (REPORT + "[parameters]\nhorizon_s = 9\n[ranges]\nhorizon_s = [1, 8]\n", "should be from 1 to 8; got 9.0"),
    ],
)
def test_a_report_file_that_is_wrong_is_named(checkout, text, message):
    (checkout / "reports" / "monthly.toml").write_text(text)
    with pytest.raises(ParameterError, match=message):
        load_report("monthly", checkout)


def test_an_unknown_report_says_what_there_is(checkout):
    (checkout / "reports" / "monthly.toml").write_text(REPORT)
    assert load_report("monthly", checkout).parameters == {}
    with pytest.raises(ParameterError, match=r"did you mean 'monthly'"):
        load_report("montly", checkout)


TYPED = notebook(
    'day: "date" = "1999-02-01"\nspeed: "Literal[\'fast\', \'slow\']" = "fast"\nhours: list[int] = [9]\n'
    'at_most: int | None = None\nurl: str = ""'
)


def test_annotations_in_quotes_and_dates_of_toml():
    declared = declared_parameters(TYPED)
    assert declared["speed"].annotation == "Literal['fast', 'slow']"
    assert parse_settings(["speed=slow", "day=1999-02-03"], declared) == {"speed": "slow", "day": "1999-02-03"}
    assert check_parameters({"day": date(1999, 2, 28)}, declared, "here") == {"day": "1999-02-28"}
    with pytest.raises(ParameterError, match="day should be date"):
        check_parameters({"day": datetime(1999, 2, 28)}, declared, "here")


def test_ranges_hold_for_lists_dates_and_none():
    declared = declared_parameters(TYPED)
    given = {"day": [date(1999, 1, 1), "1999-12-31"], "hours": [0, 23], "at_most": [1, 5]}
    ranges = check_ranges(given, declared, "here")
    assert parse_settings(["hours=0,23", "day=1999-12-31", "at_most=none"], declared, ranges)["at_most"] is None
    for setting, message in (
        ("hours=9,24", "hours should be from 0 to 23; got 24"), ("day=2000-01-01", "from 1999-01-01 to 1999-12-31"),
        ("at_most=0", "at_most should be from 1 to 5"),
    ):  # fmt: skip
        with pytest.raises(ParameterError, match=message):
            parse_settings([setting], declared, ranges)
    with pytest.raises(ParameterError, match="cannot judge"):
        in_range({"url": "x"}, {"url": (1, 2)}, "here")


def test_what_can_be_no_number_of_its_kind_is_refused_without_a_range(root):
    """By name, in every report of the checkout that declares it; what the notebooks say themselves is inside."""
    declared = {}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        declared |= declared_parameters(nbformat.read(path, 4), path.name)
    assert set(LIMITS) <= set(declared)
    ranges = check_ranges({}, declared, "here")
    in_range({name: line.default for name, line in declared.items()}, ranges, "the notebooks")
    for name, (low, high) in LIMITS.items():
        for beyond in (low - 1, high + 1) if high < math.inf else (low - 1,):
            with pytest.raises(ParameterError, match=rf"--set: {name} should be "):
                parse_settings([f"{name}={beyond}"], declared, ranges)
    own = check_ranges({"smallest_group": [0, 3]}, declared, "here")
    assert parse_settings(["smallest_group=0"], declared, own) == {"smallest_group": 0}, (
        "a range of one's own goes before"
    )


@pytest.mark.parametrize(
    "value",
    ["https://user:word@host/log", "AKIAABCDEFGHIJKLMNOP", "-----BEGIN RSA PRIVATE KEY-----", "ghp_" + "a" * 36],
)
def test_secrets_are_refused_by_their_form(value):
    with pytest.raises(ParameterError, match="looks like a secret") as refused:
        parse_settings([f"url={value}"], declared_parameters(TYPED))
    assert value not in str(refused.value)


def test_an_address_without_a_password_is_no_secret():
    settings = parse_settings(["url=s3://logs/1999?key=a"], declared_parameters(TYPED))
    assert settings == {"url": "s3://logs/1999?key=a"}


@pytest.mark.parametrize("name", ["db_password", "API_KEY", "token", "smtp_pwd", "client_secret"])
def test_secrets_are_refused_by_their_name(name):
    with pytest.raises(ParameterError, match="looks like a secret"):
        declared_parameters(notebook(f'{name}: str = ""'))


def test_names_that_only_sound_like_secrets_are_not():
    assert declared_parameters(notebook("tokens_per_word: int = 1\nkeyboard: int = 2\nsecretary: int = 3"))


@pytest.fixture
def aimed(root, tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "notebooks").symlink_to(root / "notebooks")

    def write(more: str, notebook: str = "05-executive-summary"):
        text = f'title = "T"\nperiod = "month"\nnotebooks = ["{notebook}"]\n{more}\n'
        (tmp_path / "reports" / "own.toml").write_text(text)
        return load_report("own", tmp_path)

    return write


def test_targets_are_read_and_checked_with_the_report(aimed):
    assert aimed("[targets]\nservice_level = 0.8\nmean_wait_s = 30").targets == {
        "service_level": 0.8,
        "mean_wait_s": 30.0,
    }
    assert aimed("").targets == {}
    with pytest.raises(
        ParameterError, match=r"own\.toml: \[targets\] lost_share = 5: .* for 5 % write lost_share = 0.05"
    ):
        aimed("[targets]\nlost_share = 5")
    with pytest.raises(ParameterError, match="targets has the wrong type"):
        aimed("targets = 0.8")
    with pytest.raises(ParameterError, match="a table of their own"):
        aimed("[parameters]\ntargets = {lost_share = 0.05}")
    with pytest.raises(ParameterError, match="none of its notebooks takes targets"):
        aimed("[targets]\nlost_share = 0.05", "04-when-are-we-there")


def test_targets_are_not_set_on_the_command_line(aimed):
    with pytest.raises(ParameterError, match=r"the tables \[columns\], \[targets\]"):
        parse_settings(["targets=0.8"], aimed("").declared)


PRICES = (
    'agent_hour = {value = 30.0, currency = "EUR"}\ncontact = {value = 12.0, low = 5.0, high = 40.0, currency = "EUR"}'
)
OWN = '[[actions]]\nname = "two more"\nagents = 2\nhours = [18, 22]'


def test_prices_and_actions_are_read_and_checked_with_the_report(aimed):
    report = aimed(f"[prices]\n{PRICES}\n{OWN}", "06-what-to-do-first")
    assert report.tables == {
        "prices": {
            "agent_hour": {"value": 30.0, "currency": "EUR"},
            "contact": {"value": 12.0, "low": 5.0, "high": 40.0, "currency": "EUR"},
        },
        "actions": [{"name": "two more", "agents": 2, "hours": [18, 22]}],
    }
    assert aimed("").tables == {}


@pytest.mark.parametrize(("text", "why"), [
    ("[prices]\nhour = {value = 3, currency = 'EUR'}", r"own\.toml: a price of 'hour' is not known"),
    ("[prices]\nagent_hour = 30", r"\[prices\] agent_hour has a value and a currency"),
    ("[[actions]]\nagents = 2", "an action needs a name"),
    ("[[actions]]\nname = 'x'\nagents = 2\nhours = [22, 18]", "two whole hours of one day"),
    ("actions = 3", "actions has the wrong type"), ("[actions]\nname = 'x'", "actions has the wrong type"),
    ("[parameters]\nprices = {agent_hour = 3}", r"write \[prices\], not \[parameters\] prices"),
])  # fmt: skip
def test_prices_and_actions_that_cannot_be_right_stop_before_any_kernel(aimed, text, why):
    with pytest.raises(ParameterError, match=why):
        aimed(text, "06-what-to-do-first")


def test_prices_need_a_notebook_that_takes_them(aimed):
    with pytest.raises(ParameterError, match="none of its notebooks takes prices"):
        aimed(f"[prices]\n{PRICES}", "04-when-are-we-there")


# The reports of the checkout ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "period", "notebooks"),
    [
        ("monthly", "month", ["05", "06", "02", "04"]), ("quarterly", "quarter", ["05", "06", "02", "04"]),
        ("yearly", "year", ["05", "06", "02", "04"]), ("weekly", "week", ["05", "06"]), ("daily", "day", ["05"]),
        ("evidence", "version", ["01", "03", "09"]), ("survey", "version", ["08"]), ("tickets", "month", ["07"]),
    ],
)  # fmt: skip
def test_every_report_of_the_checkout_is_of_its_kind_and_reads_what_is_there(root, name, period, notebooks):
    report = load_report(name, root)
    assert report.period == period
    assert [path.stem[:2] for path in report.notebooks] == notebooks
    assert not [path for path in report.inputs if not (root / path).is_file()]


@pytest.mark.parametrize(
    "setting", ["requests_file=a.parquet", "turns_file=a.parquet", "network_file=a.csv", "base_samples=8"]
)
def test_what_another_report_takes_is_refused_with_its_name(root, setting):
    monthly, evidence = load_report("monthly", root), load_report("evidence", root)
    name = setting.split("=")[0]
    with pytest.raises(
        ParameterError,
        match=f"{name} is no parameter of this report but of evidence: write cxresearch report evidence --set {name}=",
    ):
        parse_settings([setting], monthly.declared, root=root)
    assert name in parse_settings([setting], evidence.declared, root=root)


def test_a_broken_report_beside_it_hides_no_other(checkout):
    cell = new_code_cell('own_file: str = ""', metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[cell]), checkout / "notebooks" / "own.ipynb")
    (checkout / "reports" / "a-broken.toml").write_text("title = ")
    (checkout / "reports" / "b-bare.toml").write_text('title = "B"\nnotebooks = ["none", 3]')
    (checkout / "reports" / "own.toml").write_text(REPORT.replace("one", "own"))
    (checkout / "reports" / "monthly.toml").write_text(REPORT + '[parameters]\nown_file = "x"\n')
    with pytest.raises(ParameterError, match=r"monthly\.toml: own_file is no parameter of this report but of own: "):
        load_report("monthly", checkout)
