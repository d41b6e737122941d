"""The settings that the pages show are settings that start."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from screening.clearance import generate_key
from screening.clearance.opening import open_desk
from screening.clearance.policy import sign_policy
from screening.clearance.settings import ClearanceSettings, read_clearance_settings
from screening.clearance.sinks import SinkContext, build_sinks
from screening.cli import app

PAGES = Path(__file__).resolve().parents[3] / "docs"


def test_the_settings_of_the_service_start_as_written(tmp_path: Path) -> None:
    (sample,) = re.findall(
        r"```toml\n(\[clearance\].*?)```", (PAGES / "service.md").read_text(encoding="utf-8"), re.DOTALL
    )
    # The one path that is not of the settings' own folder.
    sample = sample.replace('"/mnt/heads"', f'"{tmp_path / "mnt-heads"}"')
    (tmp_path / "site.toml").write_text(sample, encoding="utf-8")
    signer = generate_key(tmp_path / "site.key", "ops", kinds=("*",))
    (tmp_path / "policy.toml").write_text(
        'id = "ca"\nversion = "1"\nmax_flag_age_s = 604800\nmax_targeting_age_s = 604800\n'
        "max_seal_reading_age_s = 86400\nvalidity_s = 604800\n"
    )
    sign_policy(tmp_path / "policy.toml", signer)
    for folder in ("trusted", "revoked"):
        (tmp_path / folder).mkdir()
    settings = read_clearance_settings(tmp_path / "site.toml")
    with open_desk(settings) as desk:
        sinks = build_sinks(settings.sinks, SinkContext(signer=signer, record=desk.record))
        assert desk.ledger_id == "CA-PRR"
    assert [sink.name for sink in sinks] == ["terminal", "local"]
    # What a sample leaves out is as the code has it; what it shows is, too, where it says so.
    assert settings.heads_interval_s == ClearanceSettings(administration="CA", key_file="k").heads_interval_s


def test_the_sinks_of_the_page_on_sinks_are_built_as_written(tmp_path: Path) -> None:
    page = (PAGES / "sinks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"((?:^    .*\n|^\n)+)", page, re.MULTILINE)
    (sample,) = [block for block in blocks if "[[clearance.sinks]]" in block]
    (tmp_path / "drop").mkdir()
    sample = textwrap.dedent(sample).replace("/srv/drop", str(tmp_path / "drop"))
    (tmp_path / "site.toml").write_text(f'[clearance]\nadministration = "CA"\nkey_file = "k"\n{sample}')
    settings = read_clearance_settings(tmp_path / "site.toml")
    signer = generate_key(tmp_path / "k", "ops")
    assert len(build_sinks(settings.sinks, SinkContext(signer=signer))) == 2


@pytest.mark.parametrize("command", ["decide", "head"])
def test_a_key_of_the_other_scope_is_refused_with_the_name_of_the_setting(
    tmp_path: Path, command: str
) -> None:
    generate_key(tmp_path / "x.key", "exercise")
    config = tmp_path / "site.toml"
    config.write_text('[clearance]\nadministration = "CA"\nkey_file = "x.key"\n')
    run = ["clearance", command, "--config", str(config)]
    run += ["--out", str(tmp_path / "heads")] if command == "head" else []
    refused = CliRunner().invoke(app, run)
    assert refused.exit_code
    assert "is_exercise = false" in str(refused.exception)
    config.write_text(config.read_text() + "is_exercise = true\n")
    done = CliRunner().invoke(app, run)
    assert done.exit_code == 0, done.output
