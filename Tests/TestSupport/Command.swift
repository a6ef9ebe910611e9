internal import CTestSupport
public import Foundation

/// What became of a command.
public struct CommandResult: Sendable {
  public let status: Int32
  public let output: String
  public let errors: String

  public var succeeded: Bool { status == 0 }
}

public struct CommandFailure: Error, CustomStringConvertible {
  public let command: [String]
  public let result: CommandResult

  public var description: String {
    "\(command.joined(separator: " ")): exit status \(result.status)\n\(result.errors)\(result.output)"
  }
}

/// Runs a command, found by PATH, to its end, with nothing on its standard input.
///
/// - Parameters:
///   - environment: added to this process's own.
///   - timeout: seconds, after which the command is killed and its status is 137: no test waits for ever.
@discardableResult
public func run(
  _ command: [String], environment: [String: String] = [:], in directory: URL? = nil, timeout: Double = 300
) throws -> CommandResult {
  var variables = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
  // Where the filesystem tools are; an ordinary user's PATH leaves it out.
  variables["PATH"] = (variables["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
  // Files, not pipes: a command that leaves a daemon behind would hold a pipe open for ever. (Foundation's Process
  // waits for that daemon too.)
  let scratch = try TemporaryDirectory()
  let output = scratch.url.appendingPathComponent("output")
  let errors = scratch.url.appendingPathComponent("errors")
  for url in [output, errors] { try Data().write(to: url) }
  let outputHandle = try FileHandle(forWritingTo: output)
  let errorHandle = try FileHandle(forWritingTo: errors)
  let process = try unsafe withCStrings(command) { arguments in
    try unsafe withCStrings(variables.map { "\($0.key)=\($0.value)" }) { environment in
      // Safe: both arrays are terminated and live through the call.
      let result = unsafe test_spawn(
        arguments, environment, directory?.path, outputHandle.fileDescriptor, errorHandle.fileDescriptor)
      guard result > 0 else {
        throw CommandFailure(
          command: command, result: CommandResult(status: 127, output: "", errors: errnoName(-result)))
      }
      return result
    }
  }
  let deadline = Date(timeIntervalSinceNow: timeout)
  var pause = 0.001
  var status: Int32 = 0
  while unsafe test_wait(process, &status) == 0 {
    if Date() > deadline { _ = test_kill(process) }
    Thread.sleep(forTimeInterval: pause)
    pause = min(pause * 1.5, 0.05)
  }
  let signal = status & 0x7F
  return CommandResult(
    status: signal == 0 ? status >> 8 & 0xFF : 128 + signal,
    output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
    errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
}

/// Runs `body` with the strings as an array that ends in nil.
private func withCStrings<R>(_ strings: [String], _ body: ([UnsafePointer<CChar>?]) throws -> R) rethrows -> R {
  // Safe: the copies are freed when the body has returned.
  let copies = unsafe strings.map { unsafe strdup($0) }
  defer { unsafe copies.forEach { unsafe free($0) } }
  return try unsafe body(copies.map { unsafe UnsafePointer($0) } + [nil])
}

/// Runs a command which must succeed.
@discardableResult
public func runSuccessfully(
  _ command: [String], environment: [String: String] = [:], in directory: URL? = nil, timeout: Double = 300
) throws -> CommandResult {
  let result = try run(command, environment: environment, in: directory, timeout: timeout)
  guard result.succeeded else { throw CommandFailure(command: command, result: result) }
  return result
}

/// Runs a command as root in a mount namespace of its own, without the mounts of tests that run beside this one: there
/// they would live on for as long as the command does, though they are unmounted here.
public func runApart(
  _ command: [String], needsNetwork: Bool = false, timeout: Double = 300
) throws -> CommandResult {
  let script = #"umount -a -t fuse.vitrine 2>/dev/null; exec "$@""#
  let namespaces = ["unshare", "--mount"] + (needsNetwork ? [] : ["--net"])
  return try run(namespaces + ["--", "sh", "-c", script, "sh"] + command, timeout: timeout)
}

/// A directory that goes away with this object.
public final class TemporaryDirectory: Sendable {
  public let url: URL
  public var path: String { url.path }

  public init(prefix: String = "vitrine-test") throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("\(prefix)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}
