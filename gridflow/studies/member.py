"""One member of a sweep, run in its own process: ``python -m gridflow.studies.member TASK``."""

import json
import sys
from typing import Any

from gridflow.cases.execute import resume_case, run_case
from gridflow.errors import InputError, RunError


def work(task: dict[str, Any]) -> None:
    """Run a member, or continue it.

    Parameters
    ----------
    task
        ``{"case": file, "out": directory, "set": {...}, "force": bool}``, or ``{"resume": directory}``.
    """
    if "resume" in task:
        resume_case(task["resume"], progress=False)
    else:
        run_case(task["case"], task["out"], set=task["set"], force=task["force"], progress=False)


if __name__ == "__main__":
    try:
        work(json.loads(sys.argv[1]))
    except (InputError, RunError) as error:
        print(error, file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)
