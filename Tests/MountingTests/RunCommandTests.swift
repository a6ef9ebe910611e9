import Foundation
@testable import Mounting
import TestSupport
import Testing

/// `vitrine run`: the mount is there for the command, and gone after it, whatever ends which.
@Suite(.serialized, .enabled(if: Privileges.hasFUSE)) struct RunCommandTests {
  private let contract: Contract
  /// Where the temporary folders are made, and nothing else.
  private var base: String { contract.path("tmp") }

  init() throws {
    contract = try Contract()
    try FileManager.default.createDirectory(atPath: contract.path("tmp"), withIntermediateDirectories: false)
    // Safe: a C string.
    unsafe chmod(contract.path("tmp"), 0o1777)
  }

  private var environment: [String: String] { ["TMPDIR": base, "XDG_RUNTIME_DIR": ""] }

  private func sh(_ line: String) throws -> CommandResult { try contract.sh(line, environment: environment) }

  /// Temporary folders, mounts and processes that are left.
  private var left: [String] {
    let folders = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
    let servers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.filter { process in
      guard Int32(process) != nil, let bytes = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else {
        return false
      }
      let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return words.count > 2 && words[1] == "run" && words.contains(contract.image)
    }
    return folders + contract.mounted + (servers ?? [])
  }

  @Test func commandSeesTheFiles() throws {
    let result = try sh(
      #"echo in | "$V" run "$I" sh -c 'ls "$VITRINE_MOUNT" | wc -l; cat; pwd; echo err >&2; ulimit -Sn'"#)
    let lines = result.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 4, "\(result)")
    #expect(Int(lines[0].trimmingCharacters(in: .whitespaces)) ?? 0 > 0 && lines[1] == "in")
    #expect(try lines[2] == MountPoint.resolve(contract.folder.path))
    #expect(try lines[3] == sh("ulimit -Sn").output.trimmingCharacters(in: .newlines))
    #expect(result.status == 0 && result.errors == "err\n" && left.isEmpty)
  }

  @Test func theKernelSeesTheSameFiles() throws {
    guard Privileges.hasKernelDriver else { return }
    let list = #"find . -printf '%P %y %m %U %G %s %T@\n' | sort; find . -type f -exec sha256sum {} + | sort"#
    let own = try sh(#""$V" run "$I" --chdir sh -c '\#(list.replacingOccurrences(of: "'", with: #"'\''"#))'"#)
    let kernel = try withKernelMount(of: contract.image) { point in
      try runSuccessfully(["sh", "-c", list], in: URL(fileURLWithPath: point))
    }
    #expect(own.output == kernel.output && own.output.split(separator: "\n").count > 2)
  }

  @Test(arguments: [
    ["sh -c 'exit 7'", "7"], ["sh -c 'kill -TERM $$'", "143"], ["sh -c 'kill -KILL $$'", "137"],
    ["nonexistent-command", "127"], ["./nonexistent", "127"], ["/etc/passwd", "126"], ["/", "126"],
    ["-- sh -c 'exit 3'", "3"], ["--chdir -o noexec -- sh -c 'test $PWD = $VITRINE_MOUNT'", "0"],
    ["printf -- %s --", "0"], ["env -- printf --version", "0"],
    [#"sh -c 'test "$1" = "$(printf "\377")"' sh "$(printf "\377")""#, "0"],
  ])
  func statusIsTheCommands(_ line: [String]) throws {
    let result = try sh(#""$V" run "$I" \#(line[0]); echo $?"#)
    #expect(result.output.hasSuffix("\(line[1])\n"), "\(line): \(result)")
    let says = ["126", "127"].contains(line[1])
    #expect(
      result.errors.isEmpty != says && result.errors.split(separator: "\n").count < 2, "\(line): \(result.errors)")
    #expect(left.isEmpty)
  }

  @Test(arguments: [
    ["/nonexistent true", "66"], [#""$I" -p 9 true"#, "64"], ["/etc/passwd true", "65"], [#""$I" -o rw true"#, "64"],
    [#""$I" -o timeout=5 true"#, "64"], [#""$I""#, "64"],
  ])
  func withoutAMountThereIsNoCommand(_ line: [String]) throws {
    let result = try sh(#""$V" run \#(line[0]); echo $?"#)
    #expect(result.output == "\(line[1])\n", "\(line): \(result)")
    #expect(result.errors.hasPrefix("vitrine: ") && result.errors.split(separator: "\n").count == 1, "\(result)")
    #expect(left.isEmpty)
  }

  /// Both the started process and the command are there, and neither mount nor folder, when the signal has been seen to.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2])
  func signalsGoToTheCommand(_ signal: Int32) throws {
    let script = "trap 'echo got; exit 5' \(signal); echo up; while :; do sleep 0.05; done"
    let (process, output) = try start(["sh", "-c", script])
    #expect(output.availableData == Data("up\n".utf8))
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationStatus == 5 && output.availableData == Data("got\n".utf8))
    #expect(left.isEmpty)
  }

  private func start(_ command: [String]) throws -> (process: Process, output: FileHandle) {
    try contract.start(["run", contract.image, "-o", "fsname=run", "--"] + command, environment: environment)
  }

  @Test func interruptedAtAnyPointNothingIsLeft() throws {
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGKILL] {
      for delay in stride(from: useconds_t(0), to: 120_000, by: 10_000) {
        let (process, _) = try start(["sleep", "0.05"])
        usleep(delay)
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        let status = (process.terminationReason, process.terminationStatus)
        #expect(
          status == (.uncaughtSignal, signal) || status == (.exit, 128 + signal) || status == (.exit, 0),
          "\(status) after \(delay)")
        // Who is killed cannot wait for the server.
        if signal == SIGKILL { _ = Contract.eventually { left.isEmpty } }
        #expect(left.isEmpty, "\(signal) after \(delay): \(left)")
      }
    }
  }

  @Test func aCommandWhoseParentIsKilledIsAskedToEnd() throws {
    let (process, output) = try start([
      "sh", "-c", "trap 'echo asked; exit' TERM; echo up; while :; do sleep 0.05; done",
    ])
    #expect(output.availableData == Data("up\n".utf8))
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(output.availableData == Data("asked\n".utf8))
    #expect(Contract.eventually { left.isEmpty }, "\(left)")
  }

  @Test func aLostServerIsSaid() throws {
    let result = try sh(
      #"""
      "$V" run "$I" sh -c 'kill -KILL $("$V" mounts -n | grep "$VITRINE_MOUNT" | sed "s/  */ /g" | cut -d " " -f 4)
      n=0; while ls "$VITRINE_MOUNT" >/dev/null 2>&1 && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done
      ls "$VITRINE_MOUNT" >/dev/null 2>&1 && echo files; exit 0'
      """#)
    #expect(result.status == 71 && result.errors.contains("server ended") && result.output.isEmpty, "\(result)")
    #expect(left.isEmpty)
  }

  @Test func whatIsLeftInTheBackgroundIsNamedAndFindsErrors() throws {
    let result = try sh(
      #"""
      "$V" run "$I" sh -c 'cd "$VITRINE_MOUNT" && { sleep 1; ls . && echo files; } >../../later 2>&1 &
      sleep 0.2'
      echo $?; sleep 1.5
      """#)
    #expect(result.output == "0\n" && result.errors.contains("in use by s"), "\(result)")
    #expect(left.isEmpty)
    let later = try String(contentsOfFile: contract.path("later"), encoding: .utf8)
    #expect(later.contains("not connected") && !later.contains("files"), "\(later)")
  }

  /// What the command writes goes on to who reads it, and nobody but the command holds the pipe.
  @Test func pipesEndWithTheCommand() throws {
    let result = try sh(#""$V" run "$I" sh -c 'echo one; exec >&-; sleep 30' | { cat; kill -TERM -- -$$; }"#)
    #expect(result.output == "one\n")
    #expect(Contract.eventually { left.isEmpty }, "\(left)")
    let broken = try sh(#"{ "$V" run "$I" yes; echo $? >status; } | head -n 1; cat status"#)
    #expect(broken.output == "y\n141\n", "\(broken)")
    let closed = try sh(#""$V" run "$I" sh -c 'ls "$VITRINE_MOUNT" | wc -l >&5' 5>&1 <&- >&- 2>&-; echo $?"#)
    #expect(closed.output.hasSuffix("\n0\n") && !closed.output.hasPrefix("0"), "\(closed)")
    let file = try sh(#""$V" run "$I" sh -c 'cat <&8' 8<<END"# + "\ngiven\nEND\n")
    #expect(file.output == "given\n", "\(file)")
  }

  /// Root's mount is in a namespace of its own.
  @Test(.enabled(if: Privileges.isRoot)) func nobodyElseSeesTheMount() throws {
    let (process, output) = try start(["sh", "-c", "findmnt -n -o SOURCE -T $VITRINE_MOUNT; read -r line; exit 0"])
    #expect(output.availableData == Data("run\n".utf8))
    #expect(contract.mounted.isEmpty)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && left.isEmpty)
  }

  /// Ctrl-C, Ctrl-Z and a shell in the mount, on a terminal.
  @Test func jobControlWorks() throws {
    let script = contract.path("terminal.py")
    try Self.terminal.write(toFile: script, atomically: true, encoding: .utf8)
    let result = try run(
      ["python3", script, vitrineBinary, contract.image], environment: environment, in: contract.folder.url,
      timeout: 120)
    #expect(result.succeeded, "\(result.output)\(result.errors)")
    #expect(left.isEmpty, "\(left)")
  }

  /// Types into a shell on a terminal of its own, and looks for what must come back.
  private static let terminal = #"""
    import os, pty, select, sys, time

    vitrine, image = sys.argv[1:]
    shell, terminal = pty.fork()
    if shell == 0:
        os.environ["PS1"] = "$ "
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    seen = b""

    def expect(text, types=None):
        """Types, and waits until `text` comes."""
        global seen
        if types is not None:
            os.write(terminal, types.encode())
        deadline = time.monotonic() + 20
        while text.encode() not in seen:
            if time.monotonic() > deadline:
                sys.exit(f"no {text!r} after {types!r} but {seen!r}")
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536)
        seen = seen[seen.index(text.encode()) + len(text.encode()):]

    expect("ready:4", "echo ready:$((2+2))\n")
    run = f"{vitrine} run {image}"
    # A command that reads from the terminal.
    expect("got:hello", f"{run} sh -c 'echo start:$((1+1)); read -r line; echo got:$line; cat' \nhello\n")
    expect("Stopped", "\x1a")
    expect("back:5", "echo back:$((2+3))\n")
    expect("cat", "fg\n")
    time.sleep(0.3)
    expect("again\r\nagain", "again\n")
    expect("$ ", "\x03")
    expect("status:130", "echo status:$?\n")
    # A shell, with jobs of its own.
    expect("in:/", f"{run} -- bash --norc --noprofile -i\necho in:$VITRINE_MOUNT\n")
    os.write(terminal, b"sleep 100\n")
    time.sleep(0.5)
    expect("$ ", "\x03")
    expect("inner:130", "echo inner:$?\n")
    os.write(terminal, b"sleep 100\n")
    time.sleep(0.5)
    expect("Stopped", "\x1a")
    # A shell with stopped jobs does not exit.
    expect("killed:0", "kill -KILL %1; while jobs | grep -q Stopped; do sleep 0.1; done; echo killed:$?\n")
    # The shell stops itself, and with it what the outer shell sees as the job.
    expect("Stopped", "suspend\n")
    expect("outer:6", "echo outer:$((3+3))\n")
    expect("bash", "fg\n")
    expect("still:/", "echo still:$VITRINE_MOUNT\n")
    expect("exit\r\n", "exit 9\n")
    expect("$ ")
    expect("status:9", "echo status:$?\n")
    os.write(terminal, b"exit\n")
    os.waitpid(shell, 0)
    """#
}
