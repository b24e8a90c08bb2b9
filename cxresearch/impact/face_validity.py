"""Whether a log can hold what a chain of assumptions says of its customers."""

from __future__ import annotations

from cxresearch.evidence import share_interval

__all__ = ["contradicted_by_log", "most_lost"]


def most_lost(*, customers: float, frequent: float, seen_again: float) -> float:
    """The most customers of a period that can have been lost, by those who call often.

    Parameters
    ----------
    customers : different customers of the period. frequent : those of them with several contacts.
    seen_again : share of ``frequent`` who have a contact in the period after.

    Who was lost is not seen again, so of the frequent no more were lost than the upper limit (95 %, Wilson) of those who
    stayed away. A chain that may lose a customer at each contact loses the frequent at least as often as the others, so that
    share holds for all of them. It is an upper end: people stay away for other reasons, too.
    Raises ValueError for numbers that are none of a log.
    """
    if not 0 < frequent <= customers:
        raise ValueError(f"frequent customers are above 0 and a part of all; got {frequent:g} of {customers:g}.")
    if not 0 <= seen_again <= 1:
        raise ValueError(f"seen_again is a share, 0 to 1; got {seen_again}.")
    return customers * share_interval(1 - seen_again, round(frequent))[1]


def contradicted_by_log(lost: float, *, customers: float, frequent: float, seen_again: float) -> str:
    """A sentence with both numbers where ``lost`` customers are more than a log can hold; empty where they are not.

    The other parameters are those of :func:`most_lost`.
    """
    most = most_lost(customers=customers, frequent=frequent, seen_again=seen_again)
    if lost <= most:
        return ""
    return (
        f"the chain loses {lost:,.0f} customers of {customers:,.0f}, while {100 * seen_again:.1f} % of {frequent:,.0f} who "
        f"call often are there in the period after: at most {most:,.0f} can be lost"
    )
