# Compiles to WebAssembly with Debian's emscripten, and runs what was built under Node.
find_program(STARLING_EMCC emcc REQUIRED)
file(REAL_PATH "${STARLING_EMCC}" emcc)
find_file(emscripten_cmake Emscripten.cmake PATHS /usr/share/emscripten/cmake/Modules/Platform NO_DEFAULT_PATH REQUIRED NO_CACHE)
include("${emscripten_cmake}")
# Node as it is installed need not know where Debian keeps the modules that emscripten uses.
set(ENV{NODE_PATH} /usr/share/nodejs)
