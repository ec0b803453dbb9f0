"""The crate `openidconnect`, as a program of its own; this is the browser for it."""

[judge] = more
register("rust", "--public", *wide, "--grant", "device_code")
secret = register("rustjob", "--bearer")
browser = Browser()
pipe = subprocess.PIPE
running = subprocess.Popen(
    [judge, origin, roots, secret], stdin=pipe, stdout=pipe, stderr=pipe, text=True
)
for line in running.stdout:
    url = line.strip()
    if "/oauth/authorize" in url:
        print(browser.visit(url), file=running.stdin, flush=True)
    elif "/oauth/device" in url:
        browser.decide(url, "rust", "approve")
    else:
        break
assert (running.wait(60), url) == (0, "done"), running.stderr.read()
print("done")
