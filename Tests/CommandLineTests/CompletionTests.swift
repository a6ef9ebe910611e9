import DiskImages
import Foundation
import TestSupport
import Testing

/// What the shells complete is what the program takes.
@Suite struct CompletionTests {
  private static let folder = Fixture.package.appendingPathComponent("Sources/vitrine/Completions")

  @Test(arguments: [["bash", "vitrine.bash"], ["zsh", "_vitrine"], ["fish", "vitrine.fish"]])
  func shellTakesTheScript(_ shell: [String]) throws {
    try runSuccessfully([shell[0], "-n", Self.folder.appendingPathComponent(shell[1]).path])
  }

  /// What bash offers where the line stands as given.
  private func bash(_ line: String) throws -> [String] {
    let script = """
      source \(Self.folder.appendingPathComponent("vitrine.bash").path)
      COMP_LINE=$1 COMP_POINT=${#1}
      _vitrine
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    return try runSuccessfully(["bash", "-c", script, "bash", line]).output.split(separator: "\n").map(String.init)
  }

  private func fish(_ line: String) throws -> [String] {
    let script = "source \(Self.folder.appendingPathComponent("vitrine.fish").path); complete -C $argv[1]"
    return try runSuccessfully(["fish", "--no-config", "-c", script, line]).output.split(separator: "\n")
      .map { String($0.prefix { $0 != "\t" }) }
  }

  private func longOptions(_ command: String) throws -> Set<String> {
    Set(try CommandDescription.named(command).options.joined().filter { $0.hasPrefix("--") })
  }

  @Test(arguments: CommandDescription.commands)
  func optionsAreThoseOfTheHelp(_ command: String) throws {
    let options = try longOptions(command)
    #expect(Set(try bash("vitrine \(command) --")) == options)
    #expect(Set(try fish("vitrine \(command) --")) == options)
  }

  @Test func withoutACommandItIsAMount() throws {
    let options = try longOptions("mount")
    #expect(Set(try bash("vitrine disk.img mnt --")) == options)
    #expect(Set(try fish("vitrine disk.img mnt --")) == options)
  }

  @Test(arguments: CommandDescription.commands)
  func zshKnowsEachOption(_ command: String) throws {
    let script = try String(contentsOf: Self.folder.appendingPathComponent("_vitrine"), encoding: .utf8)
    let start = try #require(script.range(of: "\n_vitrine_\(command)() {"))
    let end = try #require(script.range(of: "\n}", range: start.upperBound..<script.endIndex))
    let function = script[start.upperBound..<end.lowerBound]
    let words = Set(
      function.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init).filter {
        $0.hasPrefix("-") && $0.count > 1
      })
    let options = Set(try CommandDescription.named(command).options.joined())
    // -s, -S and -A are _arguments' own; "-/" of _files leaves nothing behind.
    #expect(words.subtracting(["-s", "-S", "-A"]) == options.subtracting(["-s", "-S", "-A"]))
  }

  @Test func valuesAreCompleted() throws {
    #expect(try bash("vitrine inspect --color a") == ["auto", "always"])
    #expect(try bash("vitrine inspect --color=n") == ["never"])
    #expect(try bash("vitrine disk.img mnt -o ro,allow_o") == ["ro,allow_other"])
    // Bash has what is before the `=` already.
    #expect(try bash("vitrine disk.img mnt -o ro,cache=n") == ["never"])
    #expect(try fish("vitrine disk.img mnt -o ro,cache=n") == ["ro,cache=never"])
    #expect(try fish("vitrine inspect --color ").sorted() == ["always", "auto", "never"])
  }

  @Test func formatsAreThoseOfTheProgram() throws {
    let names = ImageFormat.names
    #expect(try bash("vitrine inspect --format ") == names)
    #expect(try bash("vitrine disk.img mnt --format=") == names)
    #expect(try bash("vitrine disk.img mnt -o format=") == names)
    #expect(try Set(fish("vitrine inspect --format ")) == Set(names))
    #expect(try Set(fish("vitrine disk.img mnt --format ")) == Set(names))
    #expect(try fish("vitrine disk.img mnt -o ro,format=qc") == ["ro,format=qcow", "ro,format=qcow2"])
    let zsh = try String(contentsOf: Self.folder.appendingPathComponent("_vitrine"), encoding: .utf8)
    #expect(
      zsh.components(separatedBy: ":(\(names.joined(separator: " ")))").count == CommandDescription.readingImages.count
        + 2)
  }

  /// An option takes a value here if and only if it does there: else the arguments behind it are miscounted.
  @Test func optionsWithValuesAreKnown() throws {
    for command in CommandDescription.commands {
      // The value of df's --output stands behind "=" alone.
      for option in try CommandDescription.named(command).optionsWithValues where option != "--output" {
        // The word behind the option is its value, so the image is still to come: a directory is not all that is offered.
        let offered = try bash("vitrine \(command) \(option) value --")
        #expect(offered.contains("--help"), "\(command) \(option)")
        #expect(try !bash("vitrine \(command) \(option) --").contains("--help"), "\(command) \(option)")
      }
    }
  }

  /// `run` itself has to know them: the first word behind the image that is no option or value is the command.
  @Test func runKnowsOptionsWithValues() throws {
    for option in try CommandDescription.named("run").optionsWithValues {
      let result = try run([vitrineBinary, "run", "/nonexistent/image", option, "value"])
      #expect(result.status == 64 && !result.errors.contains("Missing value for"), "\(option): \(result.errors)")
    }
  }

  @Test func mountOptionsAreThoseOfTheManual() throws {
    let documented = Set(try ManualPage("vitrine-mount").mountOptions).subtracting(["nodiratime", "sync", "dirsync"])
    #expect(Set(try bash("vitrine disk.img mnt -o ")) == documented.union(["direct_io"]))
    let fish = Set(try fish("vitrine disk.img mnt -o ").map { $0.contains("=") ? $0.prefix { $0 != "=" } + "=" : $0 })
    #expect(fish == documented.union(["direct_io"]))
    let zsh = try String(contentsOf: Self.folder.appendingPathComponent("_vitrine"), encoding: .utf8)
    for option in documented {
      #expect(zsh.contains("'\(option.prefix { $0 != "=" })["), "zsh: \(option)")
    }
  }

  @Test func filesAndCommandsAreOffered() throws {
    let scratch = try TemporaryDirectory()
    try Data().write(to: scratch.url.appendingPathComponent("disk one.img"))
    #expect(try bash("vitrine \(scratch.path)/di") == ["\(scratch.path)/disk one.img"])
    #expect(try bash("vitrine ins") == ["inspect"])
    #expect(try bash("vitrine run disk.img ec").contains("echo"))
    #expect(try bash("vitrine run disk.img -- ec").contains("echo"))
    #expect(try fish("vitrine run disk.img ech").contains("echo"))
    // What stands behind the command is the command's.
    #expect(try bash("vitrine run disk.img ls --") == [])
    #expect(try bash("vitrine run disk.img ls \(scratch.path)/di") == ["\(scratch.path)/disk one.img"])
    #expect(try fish("vitrine ins") == ["inspect"])
    #expect(try bash("vitrine disk.img \(scratch.path)/di") == [])
    let file = "\(scratch.path)/disk one.img"
    #expect(try bash("vitrine inspect --backing-file \(scratch.path)/di") == [file])
    #expect(try bash("vitrine inspect --backing-file=\(scratch.path)/di") == [file])
    #expect(try bash("vitrine disk.img mnt -o ro,backing_file=\(scratch.path)/di") == [file])
  }

  /// By the program itself, with the options on the line that say how the image is read.
  @Test func pathsInsideTheImageAreOffered() throws {
    let image = try Fixture("ext4", "symlinks").image()
    let start = "\(vitrineBinary) ls \(image) "
    #expect(try bash(start + "/lo") == ["/loop", "/lost+found/"])
    #expect(try bash(start + "lost") == ["lost+found/"])
    #expect(try bash("\(vitrineBinary) find \(image) / -newer /dir") == ["/dir/"])
    #expect(try bash("\(vitrineBinary) find \(image) / -newerm") == ["-newermt"])
    #expect(try fish(start + "/lo") == ["/loop", "/lost+found/"])
    let disk = try Fixture("demo", "disk").image()
    #expect(try bash("\(vitrineBinary) cat \(disk) /p2/welc") == ["/p2/welcome.txt"])
    #expect(try bash("\(vitrineBinary) cp \(disk):/p2/welc") == ["/p2/welcome.txt"])
    #expect(try fish("\(vitrineBinary) cp \(disk):/p2/welc") == ["\(disk):/p2/welcome.txt"])
    #expect(try bash("\(vitrineBinary) stat --partition 2 \(disk) /welc") == ["/welcome.txt"])
    #expect(try bash("\(vitrineBinary) stat \(disk) --partition ").prefix(5) == ["1", "2", "3", "4", "LABEL="])
    #expect(try fish("\(vitrineBinary) stat \(disk) --partition ").contains("2"))
    #expect(try fish("\(vitrineBinary) cat \(disk) /p2/welc") == ["/p2/welcome.txt"])
  }

  /// Typed into the shells themselves, which have ideas of their own of quotes and colons.
  @Test(arguments: ["bash", "zsh"]) func shellsCompleteWhatIsTyped(_ shell: String) throws {
    let scratch = try TemporaryDirectory(prefix: "vitrine-typed")
    let image = try Fixture("demo", "disk").image()
    for name in ["disk.img", "my disk.img", "co:lon.img"] {
      try runSuccessfully(["cp", image, "\(scratch.path)/\(name)"])
    }
    try runSuccessfully(["sh", "-c", "mkdir bin && ln -s '\(vitrineBinary)' bin/vitrine"], in: scratch.url)
    let lines = [
      ("vitrine cp di", "vitrine cp disk.img "), ("vitrine cp disk.img:/p2/wel", "vitrine cp disk.img:/p2/welcome.txt"),
      ("vitrine cp -p disk.img:/p2/ho", "vitrine cp -p disk.img:/p2/home/"),
      ("vitrine cp -a disk.img:/p2/home disk.img:p2/us", "vitrine cp -a disk.img:/p2/home disk.img:p2/usr/"),
      ("vitrine cp my\\ disk.img:/p2/wel", "vitrine cp my\\ disk.img:/p2/welcome.txt"),
      ("vitrine cp \"my disk.img:/p2/wel", "vitrine cp \"my disk.img:/p2/welcome.txt"),
      ("vitrine cat my\\ disk.img /p2/wel", "vitrine cat my\\ disk.img /p2/welcome.txt"),
      ("vitrine ls -p disk.img /p2/wel", "vitrine ls -p disk.img /p2/welcome.txt"),
      ("vitrine cp co:lon.img:/p2/wel", "vitrine cp co:lon.img:/p2/welcome.txt"),
      ("vitrine cp --partition 2 disk.img:/wel", "vitrine cp --partition 2 disk.img:/welcome.txt"),
      ("vitrine find disk.img /p2 -execu", "vitrine find disk.img /p2 -executable "),
      ("vitrine diff disk.img:/p2/h", "vitrine diff disk.img:/p2/home/"),
    ]
    let setup =
      shell == "bash"
      ? "source '\(Self.folder.path)/vitrine.bash'"
      : "fpath=('\(Self.folder.path)' $fpath); autoload -Uz compinit; compinit -u -D; setopt no_beep"
    let script = scratch.path + "/type.py"
    try Self.typing.write(toFile: script, atomically: true, encoding: .utf8)
    let result = try run(
      ["python3", script, shell, setup] + lines.flatMap { [$0.0, $0.1] }, in: scratch.url, timeout: 120)
    #expect(result.succeeded, "\(result.output)\(result.errors)")
  }

  /// Types lines and a tab into a shell on a terminal of its own, and looks for what must come back.
  private static let typing = #"""
    import os, pty, select, sys, time

    shell, setup, *lines = sys.argv[1:]
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(PS1="$ ", TERM="dumb", HOME=os.getcwd(), PATH=os.getcwd() + "/bin:" + os.environ["PATH"])
        start = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}[shell]
        os.execvp(start[0], start)

    def expect(text, types):
        """Types, and waits until `text` comes."""
        seen = b""
        os.write(terminal, types.encode())
        deadline = time.monotonic() + 20
        while text.encode() not in seen.replace(b"\r", b"").replace(b"\x07", b""):
            if time.monotonic() > deadline:
                sys.exit(f"no {text!r} after {types!r} but {seen!r}")
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536)

    expect("ready:4", setup + "; PS1='$ '; echo ready:$((2+2))\n")
    for typed, completed in zip(lines[::2], lines[1::2]):
        expect(completed, typed + "\t")
        # Away with it, however much of it there is.
        expect("next:4", "\x15echo next:$((2+2))\n")
    os.write(terminal, b"exit\n")
    os.waitpid(process, 0)
    """#
}
