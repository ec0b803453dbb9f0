//! Starts programs and reads what they say. Whatever was started here ends here, by its id.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use crate::wait::{until, within};

/// How a program ended, and what it said.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    /// Fails unless the program ended well.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }
}

/// Runs a program to its end, with this on standard input.
#[track_caller]
pub(crate) fn run(command: &mut Command, input: &str) -> Outcome {
    let named = command.get_program().to_string_lossy().into_owned();
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("`{named}` is needed here: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let text = input.to_owned();
    // A program that ends without reading closes the pipe: that is its right.
    let writer = std::thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Outcome {
        // A signal has no code.
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Says why nothing was proved here.
pub(crate) fn not_run(why: &str) {
    std::io::stderr().write_all(format!("NOT RUN: {why}\n").as_bytes()).unwrap();
}

/// A Python service at this address; it writes what it sees to that file. The script lies beside
/// it, and the port is what its first line ends with.
#[track_caller]
pub(crate) fn service((name, text): (&str, &str), address: &str, seen: &Path) -> (Program, u16) {
    let script = seen.with_file_name(name);
    std::fs::write(&script, text).unwrap();
    let mut command = Command::new("python3");
    let mut program = Program::start(command.arg("-S").arg(script).arg(address).arg(seen));
    let line = program.hears("listening");
    (program, line.rsplit(' ').next().unwrap().trim().parse().unwrap())
}

/// The server of a Python script that needs packages, and its port; `None`, and that is said,
/// without them.
pub(crate) fn server_of(script: &str, packages: &str) -> Option<(Program, String)> {
    let program = Program::start(Command::new("python3").args(["-c", script, "server"]));
    let speaks = || Some(program.said()).filter(|said| said.contains('\n'));
    let said = until("the service speaks", speaks);
    let port = said.trim().strip_prefix("port ").map(str::to_owned);
    if port.is_none() {
        not_run(&format!("Python's {packages} not installed"));
    }
    Some((program, port?))
}

/// A program that goes on, with everything that it wrote so far.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    said: Arc<Mutex<String>>,
    name: String,
}

impl Program {
    /// Starts it.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("`{name}` is needed here: {error}"));
        let said = Arc::new(Mutex::new(String::new()));
        listen(child.stdout.take().unwrap(), &said);
        listen(child.stderr.take().unwrap(), &said);
        Self { child, said, name }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it wrote so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it wrote this; gives the line.
    #[track_caller]
    pub(crate) fn hears(&mut self, part: &str) -> String {
        let mut ended = false;
        let found = within(1_600, || {
            let line = self.said().lines().find(|line| line.contains(part)).map(str::to_owned);
            if line.is_some() || ended {
                return Some(line);
            }
            // One more look after the end: the last lines may still be on their way.
            ended = self.child.try_wait().unwrap().is_some();
            None
        });
        let found = found.flatten();
        found.unwrap_or_else(|| panic!("{} never wrote `{part}`, but: {}", self.name, self.said()))
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        run(Command::new("kill").args([&format!("-{signal}"), &id]), "");
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let what = format!("{} ends", self.name);
        until(&what, || self.child.try_wait().unwrap())
    }

    /// Asks it to end, and waits.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ends()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        // `dev` ends its services when it is asked to; killed, it leaves that to the kernel.
        self.signal("TERM");
        if within(200, || self.child.try_wait().unwrap()).is_none() {
            self.kill();
        }
    }
}

fn listen(stream: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            said.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
}
