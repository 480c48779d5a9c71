# Everything here works from a clean clone with Python 3.11 or newer, make and a C compiler, and is quick the second time.
#
#   make demo         a post office to try, on high ports, with sample mail
#   make test         all tests; installs the real clients and servers that they talk to, where it can
#   make test-all     the same tests on every Python 3.11+ of this machine
#   make check        format, lint, types, architecture, references, generated papers
#   make compiled     the compiled wheel (docs/compiled.md), with the tests of what it holds; two to four minutes
#   make matrix       real clients, mechanisms and TLS modes: what is negotiated, as a table, in a minute
#   make bench        measurements beside other servers; make bench-quick: the same, rougher; bench-docs: into docs
#   make bench-fetch  the retriever beside mpop, fetchmail and getmail6; FETCH_ARGS=--quick: rougher
#   make bench-hostile  attacks on a server of one's own: what it does, and how a good client fares beside each
#   make bench-profile  a flame graph of the server for each scenario; bench-scale: what grows, and by how much
#   make bench-soak   minutes of everything at once, and whether memory stays; bench-syncs: what is synced before what
#   make fuzz         a minute of hostile octets for the protocol machines, led by coverage where atheris can be had
#   make docs         write the generated pages of docs/reference
#   make format       put the code in its house's form
#   make clean        remove what these commands made (the demo's mail stays)
#
# PYTHON=... chooses the interpreter, PYTEST_ARGS="-k pop3 -x" goes to pytest.

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help demo test test-all check compiled matrix bench bench-quick bench-docs bench-fetch bench-hostile bench-profile bench-scale bench-soak bench-syncs fuzz docs format clean

PYTHON ?=
PYTEST_ARGS ?=
FETCH_ARGS ?=
FUZZ_ARGS ?=
HOSTILE_ARGS ?=
BENCH_ARGS ?=
PROFILE_ARGS ?=
SCALE_ARGS ?=
SOAK_ARGS ?=
SYNCS_ARGS ?=
MATRIX_ARGS ?=
WORKERS ?= auto
BIN := .venv/bin

help:
	@sed -n 's/^#   //p' Makefile

demo: .venv/.stamp
	@$(BIN)/postane demo --dir postane-demo

# With PYTHONDONTWRITEBYTECODE each process of the tests would compile anew what it imports, and rewrite every assertion.
test: .venv/.stamp
	@sh tools/install_peers.sh
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

test-all:
	@sh tools/install_peers.sh
	@sh tools/test_all.sh "$(MAKE)" -n $(WORKERS) $(PYTEST_ARGS)

check: .venv/.stamp
	@$(BIN)/python tools/check.py

# .venv-compiled is for the benchmarks too: `.venv-compiled/bin/python bench/run.py`.
compiled: .venv-compiled/.stamp
	@sh tools/compiled/test.sh .venv-compiled $(PYTEST_ARGS)

# MATRIX_ARGS="--only curl mutt --json" goes to tools/matrix.py.
matrix: .venv/.stamp
	@sh tools/install_peers.sh
	@$(BIN)/python tools/matrix.py $(MATRIX_ARGS)

# BENCH_ARGS="--only sessions retr16 --peers postane tuned-mdbox". Twisted is a peer where it can be had.
bench bench-docs: .venv/.stamp
	@sh tools/install_peers.sh
	@$(BIN)/python -c "import twisted" 2>/dev/null || $(BIN)/python -m pip install --quiet --group bench || echo "without Twisted"
	@$(BIN)/python bench/run.py $(if $(filter bench-docs,$@),--docs) $(BENCH_ARGS)

bench-quick: .venv/.stamp
	@$(BIN)/python bench/run.py --quick $(BENCH_ARGS)

# FETCH_ARGS="--quick", FETCH_ARGS=--docs: write the table of docs/fetching-speed.md anew.
bench-fetch: .venv/.stamp
	@sh tools/install_peers.sh
	@$(BIN)/python bench/fetch $(FETCH_ARGS)

# HOSTILE_ARGS=--quick: the small sizes. All are played, even where one fails.
bench-hostile: .venv/.stamp
	@code=0; for attack in silent slow endless unknown flood logins handshakes; do \
		$(BIN)/python bench/hostile/$$attack.py $(HOSTILE_ARGS) || code=1; done; exit $$code

# PROFILE_ARGS="sessions retr16 --tool perf"; the pictures go to bench/results/profile.
bench-profile: .venv/.stamp
	@$(BIN)/py-spy --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --group bench
	@$(BIN)/python bench/profile $(PROFILE_ARGS)

# SCALE_ARGS="sizes --quick", SCALE_ARGS=--docs: write docs/scale.md anew. The pictures go to bench/results/scale.
bench-scale: .venv/.stamp
	@$(BIN)/python bench/scale $(SCALE_ARGS)

# SOAK_ARGS="--seconds 600 --seed 7"
bench-soak: .venv/.stamp
	@$(BIN)/python bench/soak $(SOAK_ARGS)

# SYNCS_ARGS=--docs: write the table of docs/durability.md anew. Needs strace.
bench-syncs: .venv/.stamp
	@$(BIN)/python bench/syncs $(SYNCS_ARGS)

# FUZZ_ARGS="pop3_server --seconds 600 --seed 7" goes to fuzz/run.py.
fuzz: .venv/.stamp
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/python -m pip install --quiet --group fuzz || echo "without atheris"
	@$(BIN)/python fuzz/run.py $(FUZZ_ARGS)

docs: .venv/.stamp
	@$(BIN)/python tools/docs.py write
	@$(BIN)/python tools/rfc.py write

format: .venv/.stamp
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

clean:
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/build bench/results fuzz/findings
	find src tests tools bench fuzz -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp says that the environment holds what pyproject.toml asks for.
.venv/.stamp: pyproject.toml
	@python="$(PYTHON)"; python="$${python:-$$(sh tools/pythons.sh first)}" && sh tools/make_venv.sh "$$python" .venv
	@touch $@

.venv-compiled/.stamp: .venv/.stamp $(wildcard tools/compiled/*) $(shell find src/postane -name '*.py')
	@sh tools/compiled/install.sh .venv .venv-compiled
	@touch $@

# .venv-3.12 and its like, for test-all: `make .venv-3.12/.stamp PYTHON=python3.12`.
.venv-%/.stamp: pyproject.toml
	@sh tools/make_venv.sh "$(PYTHON)" .venv-$*
	@touch $@
