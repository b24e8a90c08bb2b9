"""Names of a log pass whatever they look like, and what is no such name is found beside them."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cxresearch.report.page.leaks import Names, honest_names, leaked, personal_column, without_leaks, without_paths

ODD = [
    "support@bank.com", "Password: reset", "Password", "/home/loans", "token=refund", "C:\\Loans\\", "ops@x.pl", "api_key",
    "\\\\bank\\loans", "UserWarning", "Traceback (most recent call last)", "secret: 12345678", "https://a:b@c.org", "alt text",
    "/root", "ipykernel_12", "\x1b[31mred", "AKIAABCDEFGHIJKLMNOP", "reset password", "a.b+c@d-e.org (north)", "…", "pwd=",
]  # fmt: skip
FOUND = {
    "AKIA" + "BCDEFGHIJKLMNOPQ": "no secret", "ghp_" + 36 * "a": "no secret", "xoxb-" + 12 * "1": "no secret",
    "-----BEGIN RSA PRIVATE KEY": "no secret", "postgresql://ana:hunter2@db": "no secret", "password = hunter2222": "no secret",
    "eyJ" + 12 * "a" + ".eyJ" + 12 * "b" + "." + 6 * "c": "no secret", "ana.kowalska@example.com": "no personal column",
    "/home/ana/log.csv": "no machine path", "D:\\logs\\ana.csv": "no machine path", "\\\\files\\ana": "no machine path",
    "FutureWarning: will change": "no stderr",
}  # fmt: skip
TOLD = (
    "{0}", "{0}: 21.9 % of 120", "{0}: 1234 contacts", "{0}: half would hang up", "Most were lost by {0}.", "{0} lost 12, {0} 3",
    "“{0}”", "hour,queue\n8,{0}\n", "({0})", "{0}, {0} and {0}; 4 h", "The queue {0} waited longest", "{0}\n12\n", "queue = {0}",
)  # fmt: skip
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
names = st.one_of(
    st.sampled_from(ODD), words, st.builds("{}{}{}".format, words, st.sampled_from(["@", ": ", "=", "/", "\\"]), words),
    st.builds("{}@{}.pl".format, st.from_regex(r"[a-z.+-]{1,9}", fullmatch=True), st.from_regex(r"[a-z]{1,9}", fullmatch=True)),
    st.builds("{} {}{}".format, st.sampled_from(["password", "secret", "API key", "pwd"]), st.sampled_from([": ", "=", ""]), words),
    st.builds("/{}/{}".format, st.sampled_from(["home", "tmp", "data"]), st.from_regex(r"[\w.-]{1,9}", fullmatch=True)),
)  # fmt: skip


@given(st.lists(names, min_size=1, max_size=4), st.sampled_from(TOLD))
@settings(max_examples=60, deadline=None)
@example(ODD, TOLD[1])
@example(ODD, TOLD[4])
def test_any_name_of_the_log_passes(found, told):
    for name in found:
        assert list(leaked([("page", told.format(name))], Names(found))) == [], name


@pytest.mark.parametrize("name", ODD)
def test_a_name_is_excused_where_a_line_ends_in_it_and_where_it_is_cut_short(name):
    cut = f"{name[:-2]}…" if len(name) > 9 else name
    for told in (name.replace(" ", "\n"), cut, f"{cut} 12"):
        assert list(leaked([("figure", told)], Names(ODD))) == []


@given(st.lists(names, max_size=4), st.sampled_from(sorted(FOUND)), st.sampled_from(TOLD))
@settings(max_examples=60, deadline=None)
def test_what_is_planted_beside_names_of_the_log_is_found(known, planted, told):
    known = Names(name for name in known if name.strip() not in planted)
    rules = {finding.rule for finding in leaked([("page", told.format(planted))], known)}
    assert FOUND[planted] in rules


@pytest.mark.parametrize("longer", ["{}ana", "ana{}", "{}/ana.csv", "ana.{}", "x-{}", "{}\\ana.csv"])
@pytest.mark.parametrize("name", ["support@bank.com", "/home/loans", "C:\\Loans\\"])
def test_a_part_of_something_longer_is_no_name(name, longer):
    told = longer.format(name)
    if list(leaked([("page", told)])):
        assert list(leaked([("page", told)], Names([name])))


def test_the_value_of_a_secret_in_the_environment_is_found_even_where_a_queue_is_called_so(monkeypatch):
    monkeypatch.setenv("BANK_TOKEN", "support@bank.com")
    (finding,) = leaked([("page", "support@bank.com lost 12")], Names(["support@bank.com"]))
    assert (finding.rule, "BANK_TOKEN" in finding.where, "support" in finding.where) == ("no secret", True, False)


@pytest.mark.parametrize("name", ["CXRESEARCH_KEY", "AZURE_STORAGE_KEY", "DB_PASS", "AWS_SESSION_TOKEN", "PGPASSWORD"])
def test_no_value_of_a_variable_that_is_called_as_a_secret_is_passes(monkeypatch, name):
    monkeypatch.setenv(name, "hunter2hunter2")
    assert [finding.rule for finding in leaked([("page", "so hunter2hunter2 is")])] == ["no secret"]


def test_addresses_of_customers_in_the_column_of_queues_are_no_names():
    many = {f"ana{n}@example.com": 1 + 20 * (n == 3) for n in range(2000)}
    known = honest_names({"queue": {**many, "Loans": 500}, "channel": {"email": 2500}})
    assert known.all == {"Loans", "email"}
    assert list(leaked([("page", "ana3@example.com 21 contacts")], known))
    few = honest_names({"queue": {"support@bank.com": 300, "loans@bank.com": 9, "odd@bank.com": 1}})
    assert few.all == {"support@bank.com", "loans@bank.com"}
    assert honest_names({"queue": {"a": 4, "b": 9}}, smallest=1).all == {"b"}, "held to five at least"
    assert honest_names({"queue": {"a": 4, "b": 9}}, smallest=10).all == set()


def test_a_column_called_as_a_channel_is_none_of_persons():
    assert personal_column("email") == personal_column("E-mail") == "no personal column"
    assert personal_column("opened_at") == "no raw rows"
    assert personal_column("email", Names(["email"])) == personal_column("contacts") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no file /home/ana/logs/may.csv.", "no file may.csv."), ("in C:\\Users\\ana\\may.csv", "in may.csv"),
        ("the queue /home/loans lost", "the queue /home/loans lost"), ("12/31 and/or 3", "12/31 and/or 3"),
        ("https://x.org/home/a", "https://x.org/home/a"),
    ],
)  # fmt: skip
def test_files_are_named_without_the_folders_of_the_machine(text, shown):
    assert without_paths(text, Names(["/home/loans"])) == shown
    assert list(leaked([("text", shown)], Names(["/home/loans"]))) == []


@pytest.mark.parametrize("planted", sorted(FOUND))
def test_what_is_left_of_a_text_has_nothing_of_a_leak(planted):
    shown = without_leaks(f"ValueError: {planted}")
    assert list(leaked([("text", shown)])) == []
    assert planted not in shown
