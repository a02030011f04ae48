# suite(NAME SOURCES ... FLOORS ... LIBRARIES ... [THREADED]): one cmocka program, run by ctest as NAME.
# THREADED suites carry the label "threads": ThreadSanitizer runs just those.
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET GLOBAL cmocka)

add_library(scratch STATIC ${PROJECT_SOURCE_DIR}/tests/support/scratch.c)
target_link_libraries(scratch PRIVATE house)

function(suite name)
  cmake_parse_arguments(ARG "THREADED" "" "SOURCES;FLOORS;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE house ${ARG_FLOORS} scratch PkgConfig::cmocka Threads::Threads)
  link_modules(${name} ${ARG_LIBRARIES})
  # The seams (see mailer/deliver/dial.h, mailer/mime/pem_seam.h) work through the dynamic symbol table.
  set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  if(ARG_THREADED)
    set_tests_properties(${name} PROPERTIES LABELS threads)
  endif()
endfunction()
