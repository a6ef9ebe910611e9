import BlockDevices
import Browsing
import Bytes
import FileSystems
import Foundation
@testable import Mounting
import Synchronization
import TestSupport
import Testing

/// One thread answers alone while requests come one by one; nobody notices but by the speed.
@Suite(.enabled(if: Privileges.hasFUSE)) struct RequestLoopTests {
  /// Bytes from 1 MiB on are there when they are let go.
  private final class SlowDevice: MadeDevice {
    let size: UInt64 = 2 << 20
    let isAsked = Atomic(false)
    let isLetGo = Atomic(false)

    func read(_ count: Int, at offset: UInt64, into out: inout OutputRawSpan) throws(ReadError) {
      if offset >= 1 << 20 {
        isAsked.store(true, ordering: .relaxed)
        var waited = 0
        while !isLetGo.load(ordering: .relaxed) && waited < 60_000 {
          usleep(1000)
          waited += 1
        }
      }
      for index in 0..<UInt64(count) { out.append(UInt8(truncatingIfNeeded: (offset + index) >> 12)) }
    }
  }

  private static let fileCount: UInt64 = 3000

  private func tree(on device: SlowDevice) -> Tree {
    var entries: [(name: String, node: UInt64)] = [("slow", 3)]
    var nodes: [UInt64: MemoryFileSystem.Node] = [
      3: .init(kind: .file([Extent(.mapped(source: 0, offset: 1 << 20), length: 100)]))
    ]
    for number in 0..<Self.fileCount {
      entries.append(("f\(number)", 10 + number))
      let offset = (number % 256) << 12
      nodes[10 + number] = .init(kind: .file([Extent(.mapped(source: 0, offset: offset), length: 100)]))
    }
    nodes[2] = .init(kind: .directory(entries), permissions: 0o755)
    return Tree(of: MemoryFileSystem(on: device, nodes: nodes))
  }

  private func isThere(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_size == 100
  }

  @Test func aSlowAnswerHoldsUpNobodyElse() throws {
    let device = SlowDevice()
    try MemoryMount.with(tree(on: device), "cache=never") { mount in
      var next: UInt64 = 0
      func ask(_ count: UInt64) {
        for _ in 0..<count {
          #expect(isThere(mount.file("f\(next % Self.fileCount)")))
          next += 1
        }
      }
      // Until one thread is alone; a busy machine takes some tries.
      var tries = 0
      while mount.session.counters[.alone] == 0 && tries < 1000 {
        ask(100)
        tries += 1
      }
      if sysconf(CInt(_SC_NPROCESSORS_ONLN)) > 1 { #expect(mount.session.counters[.alone] > 0) }

      let ended = Mutex(false)
      let done = DispatchSemaphore(value: 0)
      let path = mount.file("slow")
      Foundation.Thread.detachNewThread {
        let bytes = (try? OpenFile(path).read(100, at: 0).get()) ?? []
        #expect(bytes == [UInt8](repeating: 0, count: 100))
        ended.withLock { $0 = true }
        done.signal()
      }
      while !device.isAsked.load(ordering: .relaxed) { ask(1) }
      ask(50)
      #expect(!ended.withLock { $0 }, "the look-ups waited for the slow answer")
      device.isLetGo.store(true, ordering: .relaxed)
      done.wait()
      // And it goes on.
      ask(200)
    }
  }

  @Test func severalAskAtOnce() throws {
    try MemoryMount.with(tree(on: SlowDevice()), "cache=never") { mount in
      let done = DispatchGroup()
      for reader in UInt64(0)..<4 {
        done.enter()
        Foundation.Thread.detachNewThread {
          var random = SeededGenerator(seed: reader)
          for step in 0..<1500 {
            let number = UInt64.random(in: 0..<Self.fileCount, using: &random)
            let bytes = (try? OpenFile(mount.file("f\(number)")).read(100, at: 0).get()) ?? []
            #expect(bytes == [UInt8](repeating: UInt8(number % 256), count: 100))
            // Now and then one of them is alone for a while.
            if step % 500 == 499 { usleep(100_000 * UInt32(reader)) }
          }
          done.leave()
        }
      }
      #expect(done.wait(timeout: .now() + 120) == .success)
    }
  }
}
