internal import ArgumentParser

/// Whether a command prints for programs.
struct JSONArgument: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print JSON, with sizes in bytes.")
  var isWanted = false
}
