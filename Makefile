# The commands of this checkout. `make` or `make help` lists them.

PYTHON ?=
MANAGE = ENV_FILE=none DEBUG=on .venv/bin/python manage.py
DEPLOYED = ENV_FILE=none DEBUG=off SITE_URL=https://plumbline.example \
	SECRET_KEY=only-for-the-check-0123456789-abcdefghijklmnopqrstuvwxyz \
	DATABASE_URL=postgresql:///plumbline REDIS_URL=redis://localhost:6379/0 EMAIL_URL=smtp://localhost
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make requirements" .venv/bin/python -m uv pip compile --quiet \
	--generate-hashes --universal --python-version 3.11 --no-emit-index-url
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes
# uv takes a fifth of pip's time; where it has no wheel, no index or no certificate, pip does it.
UV = $(PIP) -r requirements/uv.txt && .venv/bin/python -m uv pip install --quiet --require-hashes
INSTALL = install() { { $(UV) -r "$$1"; } 2>/dev/null || $(PIP) -r "$$1"; }; install

.PHONY: help run stop test check schema requirements bench-matching bench-media bench-queue bench-upload screenshots clean venv install install-dev
.DEFAULT_GOAL := help

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: install ## start everything on this machine; PORT=8001 takes another port; Ctrl-C stops it
	@exec .venv/bin/python -m config.launch

stop: install ## end what a killed run left behind
	@exec .venv/bin/python -m config.launch --stop

test: install-dev ## run the tests on real PostgreSQL and Redis; ARGS="tests/loops -x" narrows them
	@exec .venv/bin/python -m pytest $(ARGS)

check: install-dev ## lint, types, layers, missing migrations, settings fit for production, scripts
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	ENV_FILE=none DEBUG=on .venv/bin/python -m mypy
	.venv/bin/python -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	$(MANAGE) makemigrations --check --dry-run
	$(DEPLOYED) .venv/bin/python manage.py check --deploy --fail-level WARNING
	@echo "node --check static/js/*.js"
	@node=$$(.venv/bin/python -c "from tests.js.node import NODE; print(NODE)"); \
	for script in static/js/*.js; do \
		"$$node" --input-type=module --check <"$$script" || { echo "$$script"; exit 1; }; \
	done

schema: install-dev ## write the API's schema anew, after a change to the API
	$(MANAGE) spectacular --validate --fail-on-warn --file config/openapi.yaml

requirements: install-dev ## compile requirements/*.txt anew from requirements/*.in
	for name in uv base local dev; do $(COMPILE) requirements/$$name.in -o requirements/$$name.txt || exit 1; done

bench-matching: install ## measure the weekly pairing of 200, 1,000 and 5,000 people
	@exec .venv/bin/python -m benchmarks.matching

bench-queue: install-dev ## measure a claim with 1,000, 10,000 and 100,000 answers waiting
	@exec .venv/bin/python -m benchmarks.queue

bench-upload: install-dev ## measure uploads behind nginx (package nginx-light) and without it: ten minutes
	@exec .venv/bin/python -m benchmarks.upload $(ARGS)

bench-media: install-dev ## measure a recording's way from stop to ready, and seeks in 1 GiB of it in Chromium
	@.venv/bin/python -m benchmarks.media
	@exec .venv/bin/python -m benchmarks.seeking

screenshots: install-dev ## take the README's pictures anew, of the demo that `make run` serves
	.venv/bin/python docs/screenshots/take.py

clean: stop ## remove what can be made again; data in .local stay
	rm -rf .venv .local/static .local/tests .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@if [ -d .local ]; then echo "Your data in .local were kept; remove the folder to start afresh."; fi

# Installing is skipped while the copy of the list in .venv is the list itself.

install: venv
	@cmp -s requirements/local.txt .venv/local.txt || cmp -s requirements/dev.txt .venv/dev.txt || { \
		echo "Installing what the app needs …"; \
		$(INSTALL) requirements/local.txt && cp requirements/local.txt .venv/local.txt; }

install-dev: venv
	@cmp -s requirements/dev.txt .venv/dev.txt || { \
		echo "Installing what tests and checks need …"; \
		$(INSTALL) requirements/dev.txt && cp requirements/dev.txt .venv/dev.txt; }

venv:
	@.venv/bin/python -c "" 2>/dev/null || { \
		if [ -e .venv ] && [ ! -w .venv ]; then \
			echo ".venv was made by another user: run as that user, or remove it." >&2; exit 1; \
		fi; \
		for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
			"$$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" 2>/dev/null && break; \
			python=; \
		done; \
		if [ -z "$$python" ]; then \
			echo "Python 3.11, 3.12 or 3.13 is needed and was not found; PYTHON=/path/to/python names one." >&2; exit 1; \
		fi; \
		if ! "$$python" -c "import ensurepip, venv" 2>/dev/null; then \
			echo "$$python has no venv: install the package python3-venv (Debian, Ubuntu)." >&2; exit 1; \
		fi; \
		echo "Making .venv with $$("$$python" --version) …"; \
		rm -rf .venv && "$$python" -m venv .venv; }
