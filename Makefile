# Targets: demo, test — and for who works on it: build, check, fmt, bench, fuzz, install, uninstall, clean.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift

packages = .ci/packages
release_flags = -c release --product vitrine --static-swift-stdlib
# The program that `install` puts in place; set it to install one built elsewhere.
BINARY ?= .build/release/vitrine

bindir = $(DESTDIR)$(PREFIX)/bin
mandir = $(DESTDIR)$(PREFIX)/share/man
bash_completions = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zsh_completions = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
schemadir = $(DESTDIR)$(PREFIX)/share/vitrine
fish_completions = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d

.PHONY: build release demo test check fmt bench fuzz install uninstall clean

build:
	@.ci/install-packages $(packages)/build.txt
	$(SWIFT) build

release:
	@.ci/install-packages $(packages)/build.txt
	$(SWIFT) build $(release_flags)

# Mounts a disk and shows what is in it; IMAGE= takes one of your own.
demo:
	@.ci/install-packages $(packages)/build.txt $(packages)/demo.txt
	$(SWIFT) build $(release_flags)
	@.ci/demo $(BINARY) $(if $(IMAGE),"$(IMAGE)")

test:
	@.ci/install-packages $(packages)/build.txt $(packages)/demo.txt .ci/packages/tests.txt
	$(SWIFT) build --build-tests
	@.ci/run-tests

check:
	@.ci/install-packages $(packages)/build.txt $(packages)/check.txt
	@.ci/check

fmt:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

# QUICK=1 takes a few minutes less, and tells less.
bench:
	@.ci/install-packages $(packages)/build.txt $(packages)/bench.txt
	$(SWIFT) build $(release_flags)
	$(SWIFT) build -c release --product DiskReader --static-swift-stdlib
	@Tests/Benchmark/bench.py --vitrine $(BINARY) $(if $(QUICK),--quick)

# Damages every fixture, at random and for long (SECONDS=); a failure names the SEED= and CASE= that repeat it.
fuzz:
	@.ci/install-packages $(packages)/build.txt .ci/packages/tests.txt
	$(SWIFT) build --build-tests
	VITRINE_FUZZ_SECONDS=$(or $(SECONDS),3600) $(if $(SEED),VITRINE_FUZZ_SEED=$(SEED)) \
	  $(if $(CASE),VITRINE_FUZZ_CASE=$(CASE)) .ci/run-tests --filter CorruptionTests

# Where the program is built already (`make release`), this only copies: then root needs no Swift.
install: $(BINARY)
	install -d "$(bindir)" "$(mandir)/man1" "$(mandir)/man5" "$(schemadir)" "$(bash_completions)" "$(zsh_completions)" \
	  "$(fish_completions)"
	install -s -m 755 "$(BINARY)" "$(bindir)/vitrine"
	install -m 644 man/*.1 "$(mandir)/man1"
	install -m 644 man/*.5 "$(mandir)/man5"
	install -m 644 man/vitrine-inspect.schema.json "$(schemadir)"
	install -m 644 Sources/vitrine/Completions/vitrine.bash "$(bash_completions)/vitrine"
	install -m 644 Sources/vitrine/Completions/_vitrine "$(zsh_completions)/_vitrine"
	install -m 644 Sources/vitrine/Completions/vitrine.fish "$(fish_completions)/vitrine.fish"

.build/release/vitrine: Package.swift $(shell find Sources -type f)
	@.ci/install-packages $(packages)/build.txt
	$(SWIFT) build $(release_flags)

uninstall:
	rm -f "$(bindir)/vitrine" $(patsubst man/%,"$(mandir)/man1/%",$(wildcard man/*.1)) \
	  $(patsubst man/%,"$(mandir)/man5/%",$(wildcard man/*.5)) \
	  "$(schemadir)/vitrine-inspect.schema.json" "$(bash_completions)/vitrine" "$(zsh_completions)/_vitrine" "$(fish_completions)/vitrine.fish"
	[ ! -d "$(schemadir)" ] || rmdir "$(schemadir)"

clean:
	rm -rf .build Tests/Benchmark/data
