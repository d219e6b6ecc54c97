add_library(titrate_options INTERFACE)
target_include_directories(titrate_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(titrate_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Woverloaded-virtual
  # One result on every instruction set: no contraction unless a kernel asks for it.
  -ffp-contract=off
  $<$<BOOL:${TITRATE_WARNINGS_AS_ERRORS}>:-Werror>)
target_link_libraries(titrate_options INTERFACE OpenMP::OpenMP_CXX)
if(TITRATE_SANITIZE)
  target_compile_options(titrate_options INTERFACE -fsanitize=${TITRATE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(titrate_options INTERFACE -fsanitize=${TITRATE_SANITIZE})
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
