internal import ArgumentParser
internal import Bytes

/// Whether a command colours what it prints.
struct ColorArgument: ParsableArguments {
  @Option(
    name: .customLong("color"),
    help: ArgumentHelp("Use colours: auto (on a terminal), always or never.", valueName: "when"),
    completion: .list(ColorChoice.allCases.map(\.rawValue)))
  var choice = ColorChoice.auto

  /// Whether to colour, where only a terminal shows colours.
  func applies(onTerminal isTerminal: Bool) -> Bool {
    switch choice {
    case .always: true
    case .never: false
    case .auto:
      isTerminal && HostEnvironment.value(of: "NO_COLOR") == nil && HostEnvironment.value(of: "TERM") != "dumb"
    }
  }
}

enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never
}
