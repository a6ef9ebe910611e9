/// What a filesystem answered, by question.
///
/// Where checksums cover all metadata, damage to these gives an error or nothing: never another answer.
struct Answers {
  private var hashes: [String: Int] = [:]
  private let expected: [String: Int]

  /// - Parameter expected: the answers of the undamaged filesystem; nil while these are being found out.
  init(comparingWith expected: Answers? = nil) { self.expected = expected?.hashes ?? [:] }

  var count: Int { hashes.count }

  mutating func note(_ question: String, _ answer: some Hashable) { note(question, hash: answer.hashValue) }

  mutating func note(_ question: String, _ answer: Any) { note(question, hash: "\(answer)".hashValue) }

  private mutating func note(_ question: String, hash: Int) {
    hashes[question] = hash
    // What was not asked before cannot be compared: a walk stops at a number of nodes, and an error leaves room.
    if let known = expected[question], known != hash { fail("another answer: \(question)") }
  }
}
