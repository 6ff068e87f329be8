# SPDX-License-Identifier: Apache-2.0
"""Run a module and say on which stage of the job its CPU time goes.

    python -m benchmarks.stages OUT.json MODULE [ARGUMENT...]

Every 5 ms of CPU time of the process, a signal looks which function is at work: the innermost
frame of a known file decides. It costs about 0.2 %. SIGRTMIN+1 starts anew, SIGRTMIN+2 writes what
was counted to OUT.json: ``{stage: samples}``.
"""

from __future__ import annotations

import json
import runpy
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

RESET: Final = signal.SIGRTMIN + 1
WRITE: Final = signal.SIGRTMIN + 2
_EVERY_S: Final = 0.005

#: Part of a file's name -> stage; of one file the first which fits.
_STAGES: Final = (
    ("/benchmarks/peers/job/decode", "decode"),
    ("/benchmarks/peers/job/stitch", "stitch"),
    ("/benchmarks/peers/job/earn", "earn"),
    ("/benchmarks/peers/job/post", "post"),
    ("/benchmarks/peers/job/offer", "offer"),
    ("/schemas/", "decode"),
    ("/stream/engine/identity/origin_binding", "stitch"),
    ("/stream/engine/intake/event_to_messages", "stitch"),
    ("/stream/engine/intake/facts_of_events", "stitch"),
    ("/stream/engine/points/ledger", "post"),
    ("/stream/engine/points/signup_offers", "offer"),
    ("/stream/engine/storage/codec", "state"),
    ("/stream/engine/model/messages", "transport"),
    ("/stream/engine/", "earn"),
    ("/stream/tables/", "state"),
    ("/stream/worker/identify", "stitch"),
    ("/stream/worker/", "transport"),
    ("/stream/kafka/", "transport"),
    ("/redis/", "state"),
    ("/quixstreams/state/", "state"),
    ("/quixstreams/checkpointing/", "state"),
    ("/aiokafka/", "transport"),
    ("/kafka/", "transport"),
    ("/faust/", "framework"),
    ("/mode/", "framework"),
    ("/quixstreams/", "framework"),
    ("/benchmarks/peers/", "transport"),
)
STAGES: Final = (
    "decode",
    "stitch",
    "earn",
    "post",
    "offer",
    "state",
    "transport",
    "framework",
    "rest",
)


class Sampler:
    """Counts samples by stage."""

    def __init__(self, out: Path) -> None:
        self._out, self._counts = out, Counter[str]()
        self._files: dict[str, str] = {}

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(RESET, lambda number, frame: self._counts.clear())
        signal.signal(WRITE, lambda number, frame: self._write())
        signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)

    def _write(self) -> None:
        fresh = self._out.with_suffix(".new")
        fresh.write_text(json.dumps(self._counts))
        fresh.rename(self._out)

    def _sample(self, number: int, frame: FrameType | None) -> None:
        if _waits(frame):  # the time was some other thread's
            main = threading.get_ident()
            others = [f for ident, f in sys._current_frames().items() if ident != main]
            frame = next((f for f in others if not _waits(f)), None)
        self._counts[self._stage(frame)] += 1

    def _stage(self, frame: FrameType | None) -> str:
        for name in _names(frame):
            stage = self._files.get(name)
            if stage is None:
                stage = next((s for part, s in _STAGES if part in name), "")
                self._files[name] = stage
            if stage:
                return stage
        return "rest"


def _names(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield frame.f_code.co_filename
        frame = frame.f_back


def _waits(frame: FrameType | None) -> bool:
    if frame is None:
        return True
    name = frame.f_code.co_filename
    if name.endswith(("/selectors.py", "/threading.py", "/queue.py")):
        return True
    # uvloop waits in C, right below whoever has started it
    return frame.f_code.co_name in ("execute_from_commandline", "_start_thread")


def main() -> None:
    """The module's arguments become its ``sys.argv``."""
    out, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    Sampler(Path(out)).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
