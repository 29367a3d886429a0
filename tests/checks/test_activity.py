"""Who clicked how much: nobody's items, isolated users, and the few who made most clicks."""

from graphrec.checks.dataset import check


def codes(dataset):
    return {finding.code: finding for finding in check(dataset)}


def test_users_whose_items_nobody_else_clicked_are_isolated(dataset_of):
    events = [("a", "p", "click", 1), ("b", "p", "click", 2), ("b", "q", "click", 3), ("c", "r", "click", 4)]
    finding = codes(dataset_of(events, like=("click",)))["isolated_users"]
    assert (finding.count, finding.example) == (1, "c")
    assert "isolated_users" not in codes(dataset_of([*events, ("c", "p", "click", 5)], like=("click",)))


def test_users_without_a_click(dataset_of):
    events = [("a", "p", "click", 1), ("b", "p", "click", 2), ("c", "p", "share", 4)]
    finding = codes(dataset_of(events, like=("click",)))["users_without_clicks"]
    assert (finding.count, finding.example) == (1, "c")


def test_a_few_users_who_hold_most_of_the_clicks(dataset_of):
    quiet = [(f"u{n}", "x", "click", n) for n in range(199)]
    loud = [("loud", f"i{n}", "click", n) for n in range(200)]
    finding = codes(dataset_of(quiet + loud, like=("click",)))["few_users_made_most_clicks"]
    assert (finding.count, finding.example) == (2, "loud")
    assert "few_users_made_most_clicks" not in codes(dataset_of(quiet + loud[:150], like=("click",)))
