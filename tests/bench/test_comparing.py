from __future__ import annotations

from bench.comparing import Change, slower, told


class TestSlower:
    def test_names_what_is_worse_by_more_than_both_runs_span(self) -> None:
        found = slower({"list": [1.0, 1.1, 1.05]}, {"list": [1.5, 1.6, 1.55]})

        assert [change.name for change in found] == ["list"]
        assert round(found[0].noise, 3) == 0.2

    def test_says_nothing_of_a_difference_within_the_noise_of_either_run(self) -> None:
        calm, wild = [1.0, 1.0, 1.0], [1.0, 1.3, 1.6]

        assert slower({"list": calm}, {"list": wild}) == []
        assert slower({"list": wild}, {"list": [1.6, 1.6, 1.6]}) == []

    def test_says_nothing_of_less_than_a_tenth_however_calm_the_runs_were(self) -> None:
        assert slower({"list": [1.0] * 3}, {"list": [1.09] * 3}) == []
        assert slower({"list": [1.0] * 3}, {"list": [1.11] * 3}) != []

    def test_trusts_a_run_of_one_repetition_less(self) -> None:
        assert slower({"list": [1.0] * 3}, {"list": [1.3]}) == []
        assert slower({"list": [1.0] * 3}, {"list": [1.4]}) != []

    def test_says_nothing_of_what_became_faster(self) -> None:
        assert slower({"list": [2.0] * 3}, {"list": [1.0] * 3}) == []

    def test_leaves_out_what_only_one_run_measured(self) -> None:
        assert slower({"old": [1.0], "both": [1.0], "none": []}, {"new": [9.0], "both": [1.0], "none": []}) == []

    def test_shows_the_worst_first(self) -> None:
        kept = {"a": [1.0] * 3, "b": [1.0] * 3, "c": [10.0] * 3}

        found = slower(kept, {"a": [1.5] * 3, "b": [3.0] * 3, "c": [20.0] * 3})

        assert [change.name for change in found] == ["b", "c", "a"]


class TestTold:
    def test_says_since_when(self) -> None:
        change = Change(name="list", kept=1.0, now=2.0, noise=0.1)

        said = told([change], {"commit": "0123456789", "cpu": "CPU"})

        assert said.splitlines() == [
            "Slower than in the kept run (0123456, CPU):",
            "  list: 1 -> 2 (noise 0.1)",
        ]

    def test_says_so_when_nothing_is(self) -> None:
        assert told([], {"commit": "0123456789", "cpu": "CPU"}).startswith("Nothing is slower")

    def test_says_so_when_there_is_nothing_to_compare_with(self) -> None:
        assert told([], {}).startswith("There is no kept run")
