"""Write `agent/agent.sh` from its parts: run `python -m agent.sh` after changing one of them."""

from pathlib import Path

from agent.sh.join import joined

Path(__file__).parents[1].joinpath("agent.sh").write_text(joined(), encoding="utf-8")
