# The short commands: run, test, check, bench, install. CMakePresets.json has the rest.
.PHONY: all build run test check bench install survey setup clean
all: build
setup:
	@scripts/setup.sh
build: setup
	@scripts/build.sh
run: build
	@scripts/main-job.sh build/lilliput
test: build
	@scripts/test.sh
check: build
	@scripts/check.sh
bench: build
	@build/lilliput bench
survey: build
	@scripts/survey.sh
install: build
	@cmake --install build $(if $(PREFIX),--prefix $(PREFIX))
clean:
	rm -rf build build-*
