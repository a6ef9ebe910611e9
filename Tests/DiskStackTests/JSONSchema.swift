import Foundation

/// Any JSON value.
indirect enum JSON: Decodable, Equatable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let boolean = try? value.decode(Bool.self) {
      self = .boolean(boolean)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([JSON].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSON].self))
    }
  }

  subscript(_ key: String) -> JSON? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  var strings: [String] {
    switch self {
    case .string(let text): [text]
    case .array(let values): values.flatMap(\.strings)
    default: []
    }
  }

  func isA(_ type: String) -> Bool {
    switch self {
    case .null: type == "null"
    case .boolean: type == "boolean"
    case .number(let number): type == "number" || type == "integer" && number.rounded() == number
    case .string: type == "string"
    case .array: type == "array"
    case .object: type == "object"
    }
  }
}

/// Checks JSON against a schema, as far as vitrine's own schemas need: type, enum, required, properties,
/// additionalProperties: false, items, oneOf, pattern, minimum and references into $defs.
///
/// A word of a schema that it does not know is a violation, so that none is passed over.
struct JSONSchema {
  private let root: JSON

  init(_ data: Data) throws { root = try JSONDecoder().decode(JSON.self, from: data) }

  /// What is wrong with `data`; empty where it is valid.
  func violations(in data: Data) throws -> [String] {
    check(try JSONDecoder().decode(JSON.self, from: data), root, at: "$")
  }

  private static let known: Set<String> = [
    "$schema", "$id", "$defs", "$ref", "title", "description", "type", "enum", "required", "properties",
    "additionalProperties", "items", "oneOf", "pattern", "minimum",
  ]

  private func check(_ value: JSON, _ schema: JSON, at place: String) -> [String] {
    guard case .object(let words) = schema else { return ["\(place): its schema is no object"] }
    var found = words.keys.filter { !Self.known.contains($0) }.map { "\(place): the schema's \($0) is not known" }
    if let reference = words["$ref"]?.strings.first {
      guard let definition = root["$defs"]?[reference.replacingOccurrences(of: "#/$defs/", with: "")] else {
        return ["\(place): no \(reference)"]
      }
      found += check(value, definition, at: place)
    }
    if let types = words["type"]?.strings, !types.contains(where: value.isA) {
      found.append("\(place): is not \(types), but \(value)")
    }
    if let values = words["enum"]?.strings, value.strings.isEmpty || !values.contains(value.strings[0]) {
      found.append("\(place): \(value) is none of \(values)")
    }
    if case .number(let minimum)? = words["minimum"], case .number(let number) = value, number < minimum {
      found.append("\(place): \(number) is below \(minimum)")
    }
    if let pattern = words["pattern"]?.strings.first, case .string(let text) = value,
      text.range(of: pattern, options: .regularExpression) == nil
    {
      found.append("\(place): \(text) does not match \(pattern)")
    }
    if case .array(let choices)? = words["oneOf"] {
      let results = choices.map { check(value, $0, at: place) }
      if results.count(where: \.isEmpty) != 1 { found.append("\(place): fits not one of the choices, but \(results)") }
    }
    if case .object(let members) = value {
      for key in words["required"]?.strings ?? [] where members[key] == nil { found.append("\(place): no \(key)") }
      for (key, member) in members {
        if let property = words["properties"]?[key] {
          found += check(member, property, at: "\(place).\(key)")
        } else if words["additionalProperties"] == .boolean(false) {
          found.append("\(place): \(key) is not in the schema")
        }
      }
    }
    if case .array(let items) = value, let schema = words["items"] {
      for (index, item) in items.enumerated() { found += check(item, schema, at: "\(place)[\(index)]") }
    }
    return found
  }
}
