# Every library comes from Debian; scripts/setup installs them.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL 3 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(simdjson REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(pugixml REQUIRED)
find_package(LibArchive REQUIRED)
find_package(RocksDB REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(PkgConfig REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)

# Asio is compiled once (src/async/asio.cc), not in every file that uses it.
add_library(lambari_settings INTERFACE)
target_compile_definitions(lambari_settings INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  SPDLOG_COMPILED_LIB SPDLOG_SHARED_LIB SPDLOG_FMT_EXTERNAL)
target_include_directories(lambari_settings INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/gen)
target_link_libraries(lambari_settings INTERFACE Threads::Threads fmt::fmt)

# The precompiled header brings Asio's declarations into every object, so every program links its one compiled copy.
add_library(lambari_asio STATIC ${CMAKE_SOURCE_DIR}/src/async/asio.cc)
target_compile_definitions(lambari_asio PRIVATE BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(lambari_asio PUBLIC OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
target_link_libraries(lambari_settings INTERFACE lambari_asio)
