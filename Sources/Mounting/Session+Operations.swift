internal import BlockDevices
internal import Browsing
internal import Bytes
internal import CFuse
internal import FileSystems
internal import Glibc
internal import Synchronization
internal import SystemPackage

extension Session {
  /// libfuse's table of what it calls for each request. What is left out it answers with ENOSYS, after which the
  /// kernel does not ask again, and the kernel itself refuses all that would write.
  static func operations() -> fuse_lowlevel_ops {
    var table = fuse_lowlevel_ops()
    // Safe, all of these: libfuse gives each a valid request, names that end in NUL, and structures that live as
    // long as the call.
    unsafe table.`init` = { user, connection in
      guard let user = unsafe user, let connection = unsafe connection else { return }
      unsafe Unmanaged<Session>.fromOpaque(user).takeUnretainedValue().negotiate(&connection.pointee)
    }
    unsafe table.lookup = { handle, parent, name in
      guard let handle = unsafe handle, let name = unsafe name else { return }
      let request = unsafe Request(handle)
      let bytes = unsafe UnsafeRawBufferPointer(start: name, count: strlen(name))
      unsafe request.session.lookup(bytes.bytes, in: parent, request)
    }
    unsafe table.forget = { handle, _, _ in
      guard let handle = unsafe handle else { return }
      unsafe Request(handle).answerNothing()
    }
    unsafe table.forget_multi = { handle, _, _ in
      guard let handle = unsafe handle else { return }
      unsafe Request(handle).answerNothing()
    }
    unsafe table.getattr = { handle, number, _ in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.attributes(of: number, request)
    }
    unsafe table.readlink = { handle, number in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.link(number, request)
    }
    unsafe table.open = { handle, _, information in
      guard let handle = unsafe handle, let information = unsafe information else { return }
      let request = unsafe Request(handle)
      unsafe request.session.open(information.pointee, request)
    }
    unsafe table.opendir = { handle, _, information in
      guard let handle = unsafe handle, let information = unsafe information else { return }
      let request = unsafe Request(handle)
      unsafe request.session.openFolder(information.pointee, request)
    }
    unsafe table.release = { handle, _, _ in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.close(request)
    }
    unsafe table.releasedir = { handle, _, _ in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.close(request)
    }
    unsafe table.read = { handle, number, size, offset, _ in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.read(number, size, offset, request)
    }
    unsafe table.readdir = { handle, number, size, offset, _ in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.list(number, size, offset, plus: false, request)
    }
    unsafe table.readdirplus = { handle, number, size, offset, _ in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.list(number, size, offset, plus: true, request)
    }
    unsafe table.statfs = { handle, number in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.statistics(number, request)
    }
    unsafe table.getxattr = { handle, number, name, size in
      guard let handle = unsafe handle, let name = unsafe name else { return }
      let request = unsafe Request(handle)
      let bytes = unsafe UnsafeRawBufferPointer(start: name, count: strlen(name))
      unsafe request.session.extendedAttribute(bytes.bytes, of: number, size, request)
    }
    unsafe table.listxattr = { handle, number, size in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.extendedAttributeNames(of: number, size, request)
    }
    unsafe table.lseek = { handle, number, offset, whence, _ in
      guard let handle = unsafe handle else { return }
      let request = unsafe Request(handle)
      request.session.seek(number, offset, whence, request)
    }
    return table
  }

  /// Runs what answers a request; an error becomes the answer, and is logged.
  func answering(_ request: Request, _ number: UInt64, _ body: () throws(ReadError) -> Void) {
    do { try body() } catch {
      counters.add(to: .errors)
      if let node = tree.node(number), Self.isWorthLogging(error) {
        failedNodes.report(error, node: number, statNumber: tree.statNumber(number, node), to: log)
      }
      request.answer(Self.errno(for: error))
    }
  }

  /// What the kernel's own drivers answer to the same.
  static func errno(for error: ReadError) -> Errno {
    switch error.cause {
    case .corrupt, .checksum, .truncated: .ioError
    case .unsupported: .notSupportedOnSocket
    case .encrypted: Errno(rawValue: ENOKEY)
    case .io(let errno): errno
    }
  }

  /// Whether an error says something of the image, and not of what was asked.
  private static func isWorthLogging(_ error: ReadError) -> Bool {
    switch error.cause {
    case .corrupt, .checksum, .truncated, .unsupported: true
    case .encrypted: false
    case .io(let errno):
      ![.notDirectory, .isDirectory, .invalidArgument, .staleNFSFileHandle, .fileNameTooLong].contains(errno)
    }
  }

  func lookup(_ name: RawSpan, in parent: UInt64, _ request: Request) {
    counters.add(to: .lookup)
    do {
      guard let found = try tree.lookup(name, in: parent) else {
        // A number of 0 with a timeout: the kernel remembers that there is nothing.
        var entry = fuse_entry_param()
        entry.entry_timeout = timeout
        return request.answer(entry: entry)
      }
      request.answer(entry: self.entry(found))
    } catch {
      answering(request, parent) { () throws(ReadError) in throw error }
    }
  }

  func attributes(of number: UInt64, _ request: Request) {
    counters.add(to: .attributes)
    answering(request, number) { () throws(ReadError) in
      request.answer(attributes: status(try tree.facts(of: number)), timeout: timeout)
    }
  }

  func link(_ number: UInt64, _ request: Request) {
    counters.add(to: .link)
    answering(request, number) { () throws(ReadError) in
      request.answer(link: try tree.linkTarget(of: number))
    }
  }

  /// After ENOSYS the kernel opens by itself, and keeps what it has read of files and folders.
  func open(_ information: fuse_file_info, _ request: Request) {
    counters.add(to: .open)
    let isCached = options.cache != .never
    guard !isCached || options.idleTimeout != nil else { return request.answer(.noFunction) }
    var information = information
    information.direct_io = isCached ? 0 : 1
    information.keep_cache = isCached ? 1 : 0
    request.answer(open: information)
  }

  func openFolder(_ information: fuse_file_info, _ request: Request) {
    guard options.idleTimeout != nil else { return request.answer(.noFunction) }
    counters.add(to: .open)
    var information = information
    information.keep_cache = 1
    information.cache_readdir = 1
    request.answer(open: information)
  }

  func close(_ request: Request) {
    releases.wrappingAdd(1, ordering: .relaxed)
    request.answer(Errno(rawValue: 0))
  }

  func read(_ number: UInt64, _ size: Int, _ offset: off_t, _ request: Request) {
    counters.add(to: .read)
    answering(request, number) { () throws(ReadError) in
      guard offset >= 0 else { throw .io(.invalidArgument, "offset") }
      let file = try tree.file(number)
      let start = UInt64(offset)
      guard start < file.size, size > 0 else { return request.answer(bytes: []) }
      let count = min(UInt64(min(size, ReadContext.largestRead)), file.size - start)
      try contexts.withContext { (context) throws(ReadError) in
        let range = start..<start + count
        try context.answer(range, of: file, to: request) { readAhead.note(range, of: number, file, extents: $0) }
      }
    }
  }

  func statistics(_ number: UInt64, _ request: Request) {
    counters.add(to: .statistics)
    var result = statvfs()
    if let summary = tree.summary(at: number) {
      let unit = UInt(clamping: max(summary.blockSize, 1))
      result.f_bsize = unit
      result.f_frsize = unit
      result.f_blocks = UInt(clamping: summary.blockCount)
      result.f_bfree = UInt(clamping: summary.freeBlockCount)
      result.f_bavail = UInt(clamping: summary.availableBlockCount)
      result.f_files = UInt(clamping: summary.inodeCount)
      result.f_ffree = UInt(clamping: summary.freeInodeCount)
      result.f_namemax = UInt(clamping: summary.maximumNameLength)
    } else {
      result.f_bsize = 4096
      result.f_frsize = 512
      result.f_blocks = UInt(clamping: tree.diskSize / 512)
      result.f_namemax = 255
    }
    request.answer(statistics: result)
  }

  func extendedAttribute(_ name: RawSpan, of number: UInt64, _ size: Int, _ request: Request) {
    counters.add(to: .extendedAttribute)
    answering(request, number) { () throws(ReadError) in
      guard let value = try tree.extendedAttribute(name, of: number) else { return request.answer(.noData) }
      answer(extendedAttribute: value, size, request)
    }
  }

  func extendedAttributeNames(of number: UInt64, _ size: Int, _ request: Request) {
    counters.add(to: .extendedAttribute)
    answering(request, number) { () throws(ReadError) in
      let names = try tree.extendedAttributeNames(of: number)
      answer(extendedAttribute: names.flatMap { $0 + [0] }, size, request)
    }
  }

  /// A size of 0 asks how much there is.
  private func answer(extendedAttribute value: [UInt8], _ size: Int, _ request: Request) {
    if size == 0 {
      request.answer(extendedAttributeSize: value.count)
    } else if value.count > size {
      request.answer(.outOfRange)
    } else {
      request.answer(bytes: value)
    }
  }
}
