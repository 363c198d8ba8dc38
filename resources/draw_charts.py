"""Draws charts for another process: a Vega-Lite specification a line in, `{"svg": ...}` a line out.

Run by `resources.renderer` as a script of its own; it ends when its input does, so it outlives nobody.
"""

import json
import os
import signal
import sys

import vl_convert


def main() -> None:
    """Answer every line; an answer without `svg` says what was wrong."""
    # Ctrl-C reaches the whole group; who started this ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    vl_convert.vegalite_to_svg(
        {"data": {"values": []}, "mark": "point"}
    )  # starts the engine before it is needed
    for line in sys.stdin:
        try:
            answer = {"svg": vl_convert.vegalite_to_svg(line)}
        except ValueError as error:
            answer = {"error": str(error)}
        try:
            print(json.dumps(answer), flush=True)
        except BrokenPipeError:
            # Who asked is gone. Python would flush again at its end, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return


if __name__ == "__main__":
    main()
