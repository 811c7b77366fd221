"""Secrets are known by how they look."""

import pytest
from inference_energy.secrecy import SECRET, looks_secret


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("sk-proj-abcdefghij0123456789", True),
        ("sk-proj-abcdefghijklmnopqrstuv", True),
        ("sk-svcacct-abcdefgh-ijklmnop", True),
        ("sk-or-abcdefghijklmnop", True),
        ("sk-abcdefghijklmnopqrst", True),
        ("sk-project-of-our-own-team", False),
        ("sk-order-of-the-models-here", False),
        ("sk-ant-colony-model", False),
        ("task-proj-abcdefghijklmnopqrstuv", False),
        ("hf_abcdefghijklmnopqrstuvwxyz", True),
        ("Authorization: Bearer abc", True),
        ("hf_" + "aB3" * 11, True),
        ("nvapi-" + "aB3" * 11, True),
        ("AKIA" + "IOSF0DNN" * 2, True),
        ("gho_" + "aB3" * 11, True),
        ("github_pat_11" + "aB3" * 11, True),
        ("glpat-" + "aB3" * 7, True),
        ("r8_" + "aB3" * 11, True),
        ("xoxb-123456789012-abc", True),
        ("AIza" + "aB3" * 11, True),
        ("sk-ant-api03-" + "aB3" * 11, True),
        ("gsk_" + "aB3" * 11, True),
        ("xai-" + "aB3" * 11, True),
        ("npm_" + "aB3" * 12, True),
        ("pypi-AgEIcHlwaS5vcmc" + "aB3" * 11, True),
        ("SG." + "aB3" * 7 + "x." + "aB3" * 14 + "x", True),
        ("dop_v1_" + "a1b2" * 16, True),
        ("sk_live_" + "aB3" * 8, True),
        ("ya29.a0" + "aB3" * 11, True),
        ("pplx-" + "aB3" * 16, True),
        ("fw_" + "aB3" * 8, True),
        ("tgp_v1_" + "aB3" * 14, True),
        ("npm_config_registry, fw_throughput_tokens_per_second", False),
        ("pplx-70b-online", False),
        ("pypi-aggregated", False),
        ("node.sg.example.org, SG.1.2", False),
        ("eyJhbGciOiJIUzI1NiJ9x.eyJzdWIi", True),
        ("https://example.org/log?run=3&api_key=hunter2hunter2", True),
        ("https://example.org/log?x-amz-signature=0123456789ab", True),
        ("https://store.example.org/log?sv=2022&sig=aB3aB3aB3aB3", True),
        ("https://example.org/log?signal=aB3aB3aB3aB3", False),
        ("read at https://ann:hunter2@example.org/log", True),
        ("https://:hunter2@example.org:8443/log", True),
        ("https://example.org:8443/@ann, http://ann@example.org", False),
        ("https://example.org/log?key=3&monkey=hunter2hunter2", False),
        ("hf-internal-testing/tiny-random-LlamaForCausalLM", False),
        ("sk-learn-in-a-name-without-digits", False),
        ("task-oriented-model-20240101-v2-final", False),
        ("forbearer model", False),
        ("Llama 3.1 8B", False),
    ],
)
def test_secrets_are_known_by_their_look(text, looks):
    assert looks_secret(text) is looks


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("api_key", True),
        ("Authorization", True),
        ("token", True),
        ("secretKey", True),
        ("client_secret", True),
        ("passphrase", True),
        ("eos_token", False),
        ("by_pass", False),
        ("monkey", False),
    ],
)
def test_fields_of_secrets_are_known_by_their_names(name, is_secret):
    assert bool(SECRET.search(name)) is is_secret
