# forecastd: `make` builds build/forecastd, `make demo` shows it, `make test` proves it.
# MODE is the kind of build, each in its own folder: release (the default), asan, ubsan, tsan, cover.

MODE    ?= release
CC      := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
PYTHON  ?= /usr/bin/python3
VERSION := 0.1.0
OUT     := $(if $(filter release,$(MODE)),build,build/$(MODE))

# What builds and runs; what the tests need besides. Both are installed when missing, and only then.
# The golden vectors in tests/golden are committed; who regenerates them needs python3-torch as well (see the script there).
DEBIAN_RUN  := gcc make pkg-config libc6-dev libmicrohttpd-dev libcjson-dev libopenblas-dev \
               libsqlite3-dev libinih-dev zlib1g-dev libjs-dygraphs curl
DEBIAN_TEST := clang libcmocka-dev chromium chromium-driver cppcheck gcovr sqlite3 git \
               python3-pytest python3-pytest-timeout python3-requests python3-selenium

# Recursive on purpose: pkg-config is asked when something compiles, after `make deps` has installed it.
LIBS_PKG = libmicrohttpd libcjson openblas sqlite3 inih zlib
CFLAGS_PKG = $(shell pkg-config --cflags $(LIBS_PKG))
LDLIBS   = $(shell pkg-config --libs $(LIBS_PKG)) -lpthread -lm

WARN    := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wwrite-strings -Wformat=2 -Wundef
OPT_release := -O3 -g
OPT_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_ubsan   := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
OPT_tsan    := -O1 -g -fsanitize=thread
OPT_cover   := -O0 -g --coverage -fprofile-update=atomic
DYGRAPHS    := /usr/share/javascript/dygraphs
CFLAGS   = -std=c17 -D_GNU_SOURCE -DFC_VERSION='"$(VERSION)"' $(OPT_$(MODE)) -ffp-contract=fast -fno-math-errno -fno-trapping-math \
           $(WARN) $(CFLAGS_PKG) -Icore -Istorage -Iconfig -Iserver -I. -DFC_DYGRAPHS='"$(DYGRAPHS)"' $(EXTRA_CFLAGS)
LDFLAGS  = $(OPT_$(MODE)) $(EXTRA_LDFLAGS)

# One short line a step; V=1 shows the commands.
Q     := $(if $(V),,@)
say    = @printf '  %-4s %s\n' $(1) $@

SRC   := $(wildcard core/*.c storage/*.c config/*.c server/*.c)
OBJ   := $(SRC:%.c=$(OUT)/obj/%.o)
LIB   := $(OUT)/libforecastd.a
UNITS := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/test_*.c))

# The words that people type run one after another, in the order written; the building inside them is parallel, in a make of its own that starts
# when the packages are there.
WORDS := all deps deps-test deps-bench demo run test bench asan ubsan tsan cover lint format install clean
.PHONY: $(WORDS) units unit-programs bench-programs
.DELETE_ON_ERROR:
ifneq ($(filter $(WORDS),$(or $(MAKECMDGOALS),all)),)
.NOTPARALLEL:
endif
JOBS  := $(shell nproc 2>/dev/null || echo 2)
BUILD  = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
PYTEST = $(PYTHON) -m pytest -q $(PYTEST_ARGS)

all: deps
	+@$(BUILD) $(OUT)/forecastd

$(OUT)/forecastd: $(OUT)/obj/server/main.o $(LIB)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(LIB): $(filter-out $(OUT)/obj/server/main.o,$(OBJ))
	@rm -f $@
	$(call say,AR)
	$(Q)ar rcs $@ $^
$(OUT)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(CFLAGS_$(subst /,_,$*)) -MMD -MP -c -o $@ $<
$(OUT)/unit/%: tests/unit/%.c $(LIB) Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -Itests/unit -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) -lcmocka $(LDLIBS)
$(OUT)/bench-%: tests/bench/bench_%.c $(LIB) Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -o $@ $< $(LIB) $(LDFLAGS) $(LDLIBS)
-include $(OBJ:.o=.d) $(UNITS:=.d) $(BENCHES:=.d)

# The same kernel source is built once a processor family; kernel.c picks one at run time.
CFLAGS_core_kernel_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512
CFLAGS_core_kernel_avx2   := -mavx2 -mfma

# Embedded files: the object must be rebuilt when one of them changes.
$(OUT)/obj/server/assets.o: $(wildcard server/web/* $(DYGRAPHS)/dygraph.min.*)
$(OUT)/obj/storage/schema.o: $(wildcard storage/schema/*.sql)

BENCHES := $(patsubst tests/bench/bench_%.c,$(OUT)/bench-%,$(wildcard tests/bench/bench_*.c))
bench-programs: $(BENCHES)
unit-programs: $(UNITS)
units: $(UNITS)
	@failed=; for t in $(UNITS); do echo "== $$t"; $$t || failed="$$failed $$t"; done; \
	 if [ "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi; echo "== unit tests passed: $(words $(UNITS)) programs"

# $(call install_packages,names): names that are installed already cost one question and no network.
define install_packages
@command -v dpkg-query >/dev/null || { echo "make: not a Debian system; what is needed is called there: $(1)"; exit 0; }; \
 have=" $$(dpkg-query -W -f='$${db:Status-Status}:$${Package} ' $(1) 2>/dev/null)"; \
 missing=; for p in $(1); do case "$$have" in *" installed:$$p "*) ;; *) missing="$$missing $$p";; esac; done; \
 [ "$$missing" ] || exit 0; \
 if [ "$$(id -u)" = 0 ]; then as_root=; elif command -v sudo >/dev/null; then as_root=sudo; else \
   echo "make: missing packages, and neither root nor sudo to install them. As root: apt-get install$$missing" >&2; exit 1; fi; \
 echo "make: installing$$missing"; \
 $$as_root apt-get -q update && \
 $$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends $$missing
endef

deps:
	$(call install_packages,$(DEBIAN_RUN))
deps-bench:
	$(call install_packages,$(DEBIAN_RUN) wrk python3-torch)
deps-test:
	$(call install_packages,$(DEBIAN_RUN) $(DEBIAN_TEST))

demo: all
	@FORECASTD=$(OUT)/forecastd DEMO_DIR=$(OUT)/demo examples/demo.sh
run: all
	@$(OUT)/forecastd

test: deps-test all
	+@$(BUILD) units
	FORECASTD_BIN=$(abspath $(OUT)/forecastd) $(PYTEST) tests/api tests/web

# Under a sanitizer: the unit tests, then the API tests against a daemon that is built with it.
SANITIZED = $(BUILD) MODE=$@ OUT=$(OUT)/$@
export ASAN_OPTIONS  ?= detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS ?= print_stacktrace=1
export TSAN_OPTIONS  ?= second_deadlock_stack=1
asan ubsan: deps-test
	+@$(SANITIZED) $(OUT)/$@/forecastd units
	FORECASTD_BIN=$(abspath $(OUT)/$@/forecastd) $(PYTEST) tests/api
# ThreadSanitizer: the unit tests that have threads, which the sources show.
TSAN_UNITS = $(shell grep -lE 'pthread|fc_store_open|fc_lane_pool|fc_jobs_start|fc_http_start' tests/unit/test_*.c)
tsan: deps-test
	+@$(SANITIZED) $(OUT)/$@/forecastd
	+@for t in $(patsubst tests/unit/%.c,$(OUT)/$@/unit/%,$(TSAN_UNITS)); do $(SANITIZED) $$t && echo "== $$t" && $$t || exit 1; done
	FORECASTD_BIN=$(abspath $(OUT)/$@/forecastd) $(PYTEST) tests/api

# Line coverage of the layers by unit and API tests together. A daemon writes its counts when it stops in order, not when it is killed.
cover: deps-test
	+@$(SANITIZED) $(OUT)/$@/forecastd unit-programs
	@find $(OUT)/$@ -name '*.gcda' -delete
	+@$(SANITIZED) units
	FORECASTD_BIN=$(abspath $(OUT)/$@/forecastd) $(PYTEST) tests/api
	gcovr --root . --filter core/ --filter storage/ --filter config/ --filter server/ $(OUT)/$@/obj

bench: deps-bench all
	+@$(BUILD) bench-programs
	$(PYTHON) tests/bench/kernels.py $(OUT)
	$(PYTHON) tests/bench/run.py --binary $(OUT)/forecastd

# Who includes whom, what cppcheck finds, and a whole build with the second compiler.
lint: deps-test
	tests/lint/test_includes.sh
	tests/lint/includes.sh .
	cppcheck --quiet -j $(JOBS) --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	  --suppress=missingInclude --suppress=missingIncludeSystem --suppressions-list=tests/lint/cppcheck.txt \
	  -DFC_VERSION='"$(VERSION)"' -Icore -Istorage -Iconfig -Iserver $(SRC)
	+@$(BUILD) CC=clang OUT=$(OUT)/clang $(OUT)/clang/forecastd unit-programs

format:
	$(call install_packages,clang-format)
	clang-format -i $(wildcard core/*.[ch] storage/*.[ch] config/*.[ch] server/*.[ch] tests/unit/*.[ch])

install: all
	install -D -m 755 $(OUT)/forecastd $(DESTDIR)$(PREFIX)/bin/forecastd
	install -d $(DESTDIR)$(PREFIX)/share/doc/forecastd
	$(OUT)/forecastd --sample-config > $(DESTDIR)$(PREFIX)/share/doc/forecastd/forecastd.conf
	install -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/forecastd/LICENSE

clean:
	rm -rf build
