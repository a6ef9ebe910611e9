internal import CFuse
internal import Glibc
internal import Synchronization

/// What libfuse has to say: kept until somebody asks, so that it becomes part of one clear line.
enum LibraryLog {
  private static let text = Mutex("")
  private static let limit = 4096

  static func install() {
    // Safe: the function refers to nothing but this type.
    unsafe fuse_set_log_func { _, format, arguments in
      guard let format = unsafe format, let arguments = unsafe arguments else { return }
      var line = [CChar](repeating: 0, count: 512)
      // Safe: vsnprintf writes at most the array's size, with a NUL at its end; format and arguments belong together.
      let length = unsafe vsnprintf(&line, line.count, format, arguments)
      let bytes = line.prefix(min(max(Int(length), 0), line.count - 1)).map { UInt8(bitPattern: $0) }
      LibraryLog.append(String(decoding: bytes, as: UTF8.self))
    }
  }

  private static func append(_ line: String) {
    text.withLock { text in
      if text.utf8.count + line.utf8.count <= limit { text += line }
    }
  }

  /// What was said since the last time.
  static func take() -> String {
    text.withLock { text in
      defer { text = "" }
      return text
    }
  }
}
