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
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = command
  var variables = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
  // Where the filesystem tools are; an ordinary user's PATH leaves it out.
  variables["PATH"] = (variables["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
  process.environment = variables
  process.currentDirectoryURL = directory
  process.standardInput = FileHandle.nullDevice
  // Files, not pipes: a command that leaves a daemon behind would hold a pipe open for ever.
  let scratch = try TemporaryDirectory()
  let output = scratch.url.appendingPathComponent("output")
  let errors = scratch.url.appendingPathComponent("errors")
  for url in [output, errors] { try Data().write(to: url) }
  process.standardOutput = try FileHandle(forWritingTo: output)
  process.standardError = try FileHandle(forWritingTo: errors)
  try process.run()
  let deadline = Date(timeIntervalSinceNow: timeout)
  var killed = false
  var pause = 0.001
  while process.isRunning {
    if Date() > deadline && !killed {
      kill(process.processIdentifier, SIGKILL)
      killed = true
    }
    Thread.sleep(forTimeInterval: pause)
    pause = min(pause * 1.5, 0.05)
  }
  process.waitUntilExit()
  return CommandResult(
    status: process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus,
    output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
    errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
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
