"""oidc-agent keeps a person's tokens on the command line: it connects as a device, and refreshes."""

import os
import shutil
import socket
import time

for program in ("oidc-agent", "oidc-gen", "oidc-token"):
    if not shutil.which(program):
        sys.exit(print(f"missing {program}"))

here = Path.cwd()
environment = {**os.environ, "HOME": str(here), "OIDC_CONFIG_DIR": str(here / "oidc-agent")}
(here / "oidc-agent").mkdir(mode=0o700)
register("cli", "--public", "--grant", "device_code", "--grant", "refresh_token")


def start(*command):
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def heard(program, pattern):
    """Reads what a program says until it says this."""
    said = ""
    for line in program.stdout:
        said += line
        found = re.search(pattern, said)
        if found:
            return found[1]
    raise AssertionError(said)


# Without `stdbuf` it would keep to itself what it says to a pipe.
agent = start("stdbuf", "-oL", "oidc-agent", "--console")
try:
    environment["OIDC_SOCK"] = heard(agent, "OIDC_SOCK=([^;]+);")
    # It names its socket before it listens there.
    deadline = time.monotonic() + 20
    with socket.socket(socket.AF_UNIX) as door:
        while door.connect_ex(environment["OIDC_SOCK"]) and time.monotonic() < deadline:
            time.sleep(0.05)
    generate = start(
        *("stdbuf", "-oL"),
        *("oidc-gen", "harbour", "--flow=device", f"--iss={origin}/", "--client-id=cli"),
        *("--client-secret=", "--redirect-uri=", "--scope=openid profile offline_access"),
        *(f"--cp={roots}", "--pw-cmd=echo a-password", "--prompt=none", "--confirm-default"),
        "--no-url-call",
    )
    address = heard(generate, r"visit: *\n?\s*(https://\S+)")
    code = heard(generate, r"enter the code: (\S+)")
    Browser().decide(f"{address.split('?')[0]}?user_code={code}", "cli", "approve")
    said, _ = generate.communicate()
    assert generate.returncode == 0, said

    def token():
        asked = start("oidc-token", "--force-new", "harbour")
        said, _ = asked.communicate()
        assert asked.returncode == 0, said
        return said.strip()

    first, second = token(), token()
    assert first != second
    userinfo = {"Authorization": f"Bearer {second}"}
    known = session().get(origin + "/oauth/userinfo", headers=userinfo).json()
    assert known["preferred_username"] == "ada", known
finally:
    agent.terminate()
    agent.wait()
print("done")
