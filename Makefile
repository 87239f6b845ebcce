# Short names for the project's scripts.
.PHONY: setup build test unit bench fuzz tidy soak format first-light

setup:
	scripts/setup
build:
	scripts/build
test:
	scripts/test
unit:
	scripts/test unit
bench: build
	scripts/build release bench_targets
	.cache/venv/bin/python bench/run.py
fuzz:
	scripts/fuzz
tidy:
	scripts/tidy
soak:
	scripts/soak
format:
	git ls-files '*.cc' '*.h' | xargs clang-format-19 -i
first-light:
	scripts/first-light
