"""Both systems with their answers at hand: what xlsync itself does, without the time that requests take."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from xlsync.config import load_settings
from xlsync.gather.systems import Systems


class Recalled:
    """Something that is asked once and then knows its answers."""

    def __init__(self, asked: Any, answers: dict[str, Any]) -> None:
        self._asked, self._answers = asked, answers

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._asked, name)
        return self._remembering(name, found) if callable(found) else found

    def _remembering(self, name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*words: Any, **more: Any) -> Any:
            known = [word for word in words if not callable(word)]
            if name.startswith("list_records"):
                more.pop("progress", None)
            about = {key: value for key, value in more.items() if not callable(value)}
            key = f"{name} {_told(known)} {sorted(about.items(), key=str)}"
            if "lastUpdated" in key:  # the same day: since when is another moment each time
                key = f"{name} {known[0]} changed"
            if key not in self._answers:
                answered = ask(*words, **more)
                self._answers[key] = list(answered) if isinstance(answered, Generator) else answered
            answer = self._answers[key]
            return (one for one in answer) if name.startswith("each") else answer

        return answer


def _told(words: list[Any]) -> str:
    return " ".join(
        str(len(word)) if isinstance(word, frozenset | tuple | list) else str(word) for word in words
    )


def recalled_systems(answers: dict[str, Any]) -> Systems:
    """Systems that ask what they do not know yet."""
    systems = Systems(load_settings(bss=True, connectwise=True))
    vars(systems)["bss"] = Recalled(systems.bss, answers)
    vars(systems)["connectwise"] = Recalled(systems.connectwise, answers)
    return systems
