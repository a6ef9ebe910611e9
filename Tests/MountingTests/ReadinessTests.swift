import Browsing
import Foundation
@testable import Mounting
import TestSupport
import Testing

/// How others are told that a mount answers, and that it is gone.
@Suite(.enabled(if: Privileges.hasFUSE)) struct ReadinessTests {
  private let contract: Contract

  init() throws { contract = try Contract() }

  /// od(1) ends when nobody holds the pipe any more: the server has closed it, too.
  @Test func readyDescriptorGetsANewlineAndEnds() throws {
    defer { contract.cleanUp() }
    let result = try contract.sh(
      #"mkdir m && { "$V" "$I" m --ready-fd 7 7>&1 >/dev/null && ls m >/dev/null; } | od -An -c; "$V" mounts -n | wc -l"#
    )
    #expect(result.output.split(separator: "\n").first.map { $0.trimmingCharacters(in: .whitespaces) } == "\\n")
    #expect(contract.mounted.count == 1 && result.errors.isEmpty, "\(result.errors)")
  }

  @Test(arguments: ["1", "9"])
  func readyDescriptorWorksInTheForeground(_ number: String) throws {
    defer { contract.cleanUp() }
    // The listing stands where `read` has returned 0, and so the mount answers.
    let result = try contract.sh(
      """
      mkdir m; mkfifo ready
      "$V" mount --foreground --ready-fd \(number) "$I" m \(number)>ready &
      if read -r _ <ready; then ls m | wc -l; fi
      kill $!; wait $!; echo $?
      """)
    let lines = result.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(lines.count == 2 && Int(lines[0]) ?? 0 > 0 && lines[1] == "0", "\(result)")
    #expect(contract.mounted.isEmpty)
  }

  @Test func readyDescriptorEndsWithoutANewlineWhereTheMountFails() throws {
    for arguments in ["/nonexistent m", #""$I" missing"#, #""$I" m -p 9"#, #""$I" m --pid-file /proc/none"#] {
      let result = try contract.sh(#"mkdir -p m; "$V" \#(arguments) --ready-fd 7 7>&1 >/dev/null 2>&1 | wc -c"#)
      #expect(result.output.trimmingCharacters(in: .whitespacesAndNewlines) == "0", "\(arguments)")
      #expect(contract.mounted.isEmpty)
    }
  }

  @Test func aDescriptorThatIsNotOpenIsSaidSo() throws {
    for number in ["9", "-1", "99999999999"] {
      let result = try contract.sh(#"mkdir -p m; "$V" "$I" m --ready-fd=\#(number)"#)
      #expect(result.status == 64 && result.errors.contains(number), "\(result.errors)")
    }
  }

  @Test func processFileIsThereForAsLongAsTheMount() throws {
    defer { contract.cleanUp() }
    // The server works in another directory, so a relative path has to be kept.
    let result = try contract.sh(#"mkdir m; "$V" "$I" m --pid-file pid && cat pid"#)
    let process = try #require(Int32(result.output.trimmingCharacters(in: .whitespacesAndNewlines)), "\(result.errors)")
    let name = try String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
    #expect(name.hasPrefix("vitrine"))
    #expect(try contract.sh(#""$V" umount m"#).succeeded)
    #expect(!contract.exists("pid"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: contract.folder.path).sorted() == ["m", "own.img"])
  }

  @Test func processFileOfAnotherStays() throws {
    defer { contract.cleanUp() }
    try contract.sh(#"mkdir m; "$V" "$I" m --pid-file pid; echo 1 >pid; "$V" umount m"#)
    #expect(try String(contentsOfFile: contract.path("pid"), encoding: .utf8) == "1\n")
  }

  @Test func withoutAProcessFileThereIsNoMount() throws {
    try contract.sh("mkdir folder")
    for path in ["missing/pid", "folder", "own.img/pid", "/proc/pid"] {
      let result = try contract.sh(#""$V" "$I" m --mkdir --pid-file "\#(path)""#)
      #expect(result.status == 71 && result.errors.contains("cannot write"), "\(path): \(result)")
      #expect(result.errors.split(separator: "\n").count == 1)
      #expect(Contract.eventually { contract.mounted.isEmpty && !contract.exists("m") })
    }
  }

  @Test(arguments: ["@", ""])
  func serviceManagerIsTold(_ kind: String) throws {
    defer { contract.cleanUp() }
    let socket = try NotifySocket(kind.isEmpty ? contract.path("notify") : "@vitrine-test-\(getpid())-\(UUID())")
    let environment = ["NOTIFY_SOCKET": socket.address]
    for foreground in [false, true] {
      let line =
        foreground
        ? #"mkdir -p m; "$V" mount --foreground "$I" m & echo $! >pid; wait"#
        : #"mkdir -p m; "$V" mount "$I" m --pid-file pid"#
      let ended = DispatchSemaphore(value: 0)
      let contract = contract
      Foundation.Thread.detachNewThread {
        _ = try? contract.sh(line, environment: environment)
        ended.signal()
      }
      let ready = socket.next()
      #expect(ready["READY"] == "1" && ready["STATUS"]?.contains(contract.image) == true, "\(ready)")
      #expect(contract.mounted.count == 1)
      if !foreground {
        // The process that was started is not the one that serves.
        #expect(ended.wait(timeout: .now() + 20) == .success)
        let process = try String(contentsOfFile: contract.path("pid"), encoding: .utf8)
        #expect(ready["MAINPID"].map { $0 + "\n" } == process)
      } else {
        #expect(ready["MAINPID"] == nil)
      }
      #expect(try contract.sh(#""$V" umount m"#).succeeded)
      #expect(socket.next()["STOPPING"] == "1")
      if foreground { #expect(ended.wait(timeout: .now() + 20) == .success) }
    }
    let failed = try contract.sh(#""$V" /nonexistent/image m"#, environment: environment)
    #expect(failed.status == 66)
    let told = socket.next()
    #expect(told["READY"] == nil && told["STATUS"]?.contains("/nonexistent/image") == true, "\(told)")
  }

  @Test func addressesThatCannotBeUsedAreLeftAlone() throws {
    defer { contract.cleanUp() }
    for address in ["", "@", "relative", "vsock:2:1234", "/nonexistent/socket", String(repeating: "/x", count: 100)] {
      let result = try contract.sh(
        #"mkdir -p m; "$V" "$I" m && "$V" umount m"#, environment: ["NOTIFY_SOCKET": address])
      #expect(result.succeeded && result.errors.isEmpty, "\(address): \(result.errors)")
    }
  }

  @Test func descriptionsSurviveTheirWay() throws {
    for description in [
      MountDescription(image: "/a\nb=c d", partition: nil, snapshot: nil, view: .disk),
      MountDescription(image: "/ü", partition: "LABEL=a=b", snapshot: "before", view: .filesystem),
    ] {
      #expect(MountDescription(bytes: description.bytes) == description)
      for length in 0..<description.bytes.count - 1 {
        #expect(MountDescription(bytes: Array(description.bytes.prefix(length))) != description)
      }
    }
    #expect(MountDescription(bytes: Array("no field\0\0".utf8)) == nil)
  }
}
