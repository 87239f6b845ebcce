# Compiler, linker and cache: what makes the loop quick.
find_program(CCACHE ccache)
if(CCACHE)
  # A precompiled header is hashed by its content; relative paths let build directories share results.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -fno-omit-frame-pointer -pthread)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety -Xclang -fno-pch-timestamp -Wno-unused-command-line-argument)
  add_link_options(-fuse-ld=mold)
endif()
if(LAMBARI_SANITIZE)
  add_compile_options(-fsanitize=${LAMBARI_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LAMBARI_SANITIZE})
endif()
if(LAMBARI_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
