import Foundation
@testable import Mounting
import TestSupport
import Testing

/// Folders that are made for a mount, and idle mounts: what goes on its own.
@Suite(.enabled(if: Privileges.hasFUSE)) struct MountPointFolderTests {
  private let contract: Contract

  init() throws { contract = try Contract() }

  @Test(arguments: [#""$V" umount a/b/c"#, #"fusermount3 -u a/b/c"#, #"kill $(cat pid)"#, #"kill -INT $(cat pid)"#])
  func madeFoldersGoWithTheMount(_ end: String) throws {
    defer { contract.cleanUp() }
    let result = try contract.sh(#""$V" "$I" a/b/c --mkdir --pid-file pid && ls a/b/c >/dev/null && \#(end)"#)
    #expect(result.succeeded, "\(result.errors)")
    // umount returns when they are gone; the others do not wait.
    if end.contains("$V") { #expect(!contract.exists("a")) }
    #expect(Contract.eventually { !contract.exists("a") && !contract.exists("pid") })
  }

  @Test func whatWasThereStays() throws {
    defer { contract.cleanUp() }
    try contract.sh(
      #"mkdir a; "$V" "$I" a/b --mkdir && touch a/other; "$V" umount a/b; "$V" "$I" a --mkdir -o nonempty"#)
    #expect(contract.mounted.count == 1)
    #expect(try contract.sh(#""$V" umount a"#).succeeded)
    #expect(contract.exists("a/other") && !contract.exists("a/b"))
  }

  @Test func withoutAMountThereIsNoFolder() throws {
    for arguments in [#"/nonexistent a/b"#, #""$I" a/b -p 9"#, #""$I" own.img/b"#, #""$I" a/b -o subtype=x,fsname="#] {
      let result = try contract.sh(#""$V" \#(arguments) --mkdir && "$V" umount a/b"#)
      #expect(Contract.eventually { !contract.exists("a") }, "\(arguments): \(result.errors)")
    }
  }

  @Test func foldersOfADeadServerAreTakenAwayWhereTheyAreMarked() throws {
    defer { contract.cleanUp() }
    let result = try contract.sh(#""$V" "$I" a/b --mkdir --pid-file pid && kill -KILL $(cat pid)"#)
    try #require(result.succeeded, "\(result.errors)")
    #expect(
      Contract.eventually { (try? contract.sh(#""$V" mounts -n"#).output.contains(" dead ")) == true })
    #expect(try contract.sh(#""$V" umount a/b"#).succeeded)
    #expect(contract.mounted.isEmpty)
    // Not every filesystem keeps the mark.
    if try contract.sh("touch probe; setfattr -n user.vitrine.test -v 1 probe").succeeded {
      #expect(!contract.exists("a"))
    }
  }

  /// Interrupted anywhere between the first and the last thing it does, the command leaves nothing, and says so.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func interruptedMountsLeaveNothing(_ signal: Int32) throws {
    defer { contract.cleanUp() }
    for delay in stride(from: useconds_t(0), to: 120_000, by: 8_000) {
      let started = try contract.start(["mount", "--foreground", "--mkdir", "--pid-file", "pid", contract.image, "a/b"])
      usleep(delay)
      kill(started.process.processIdentifier, signal)
      started.process.waitUntilExit()
      let status = (started.process.terminationReason, started.process.terminationStatus)
      #expect(status == (.uncaughtSignal, signal) || status == (.exit, 0), "\(status) after \(delay)")
      #expect(contract.mounted.isEmpty && !contract.exists("a") && !contract.exists("pid"), "after \(delay)")
    }
  }

  /// As above; where the mount has been handed over to the server, the command has succeeded and it stays.
  @Test(arguments: [SIGINT, SIGTERM, SIGKILL])
  func interruptedMountsInTheBackgroundLeaveNothing(_ signal: Int32) throws {
    defer { contract.cleanUp() }
    for delay in stride(from: useconds_t(0), to: 100_000, by: 10_000) {
      let line = """
        "$V" "$I" a/b --mkdir --pid-file pid & sleep \(Double(delay) / 1e6)
        kill -\(signal) $! 2>/dev/null; wait $!
        """
      let result = try contract.sh(line)
      #expect(result.status == 0 || result.status == 128 + signal, "\(result)")
      if result.succeeded {
        #expect(contract.mounted.count == 1)
        #expect(try contract.sh(#""$V" umount a/b"#).succeeded)
      }
      // Of one that is killed, the server takes all away as it finds itself alone, unless there was no server yet.
      if signal == SIGKILL {
        _ = Contract.eventually(within: 2) { contract.mounted.isEmpty && !contract.exists("a") }
        _ = try contract.sh(#""$V" umount -q a/b; rmdir a/b a"#)
      }
      #expect(contract.mounted.isEmpty && !contract.exists("a") && !contract.exists("pid"), "after \(delay)")
    }
  }

  private func isMounted() -> Bool { !contract.mounted.isEmpty }

  @Test(arguments: ["", ",direct_io"])
  func anIdleMountGoes(_ more: String) throws {
    defer { contract.cleanUp() }
    let start = Date()
    try #require(try contract.sh(#""$V" "$I" a --mkdir --pid-file pid -o timeout=1\#(more)"#).succeeded)
    #expect(Contract.eventually { !isMounted() })
    #expect(Date().timeIntervalSince(start) >= 0.9)
    #expect(Contract.eventually { !contract.exists("a") && !contract.exists("pid") })
  }

  @Test func aMountInUseIsNotIdle() throws {
    defer { contract.cleanUp() }
    // What the kernel has in its caches counts as use, too.
    for use in ["echo a/*", "ls -lR a", "cat a/* 2>/dev/null", "stat a"] {
      let result = try contract.sh(
        #"""
        "$V" "$I" a --mkdir -o timeout=2 || exit 1
        for i in 1 2 3 4 5 6 7 8; do \#(use) >/dev/null; sleep 0.4; done
        "$V" mounts -n | grep -c "$PWD/a "
        """#)
      #expect(result.output == "1\n", "\(use): \(result)")
      #expect(Contract.eventually { !isMounted() && !contract.exists("a") }, "\(use)")
    }
    // So do an open file, which nobody reads, and a program that stands in a folder.
    for use in ["exec 3<\"$F\"; sleep 4; exec 3<&-", "cd a; sleep 4; cd .."] {
      let result = try contract.sh(
        #"""
        "$V" "$I" a --mkdir -o timeout=1.5 || exit 1
        F=$(find a -type f | head -n 1)
        \#(use)
        "$V" mounts -n | grep -c "$PWD/a "
        """#)
      #expect(result.output == "1\n", "\(use): \(result)")
      #expect(Contract.eventually { !isMounted() && !contract.exists("a") }, "\(use)")
    }
  }
}
