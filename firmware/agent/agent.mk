# What a port compiles of the agent. JSA is the path to this folder; include
# directories are $(JSA_INCLUDES). Buffer sizes are set with -D: see agent_config.h.
JSA_INCLUDES = $(JSA) $(JSA)/../runtime $(JSA)/../include

JSA_SOURCES = $(addprefix $(JSA)/, agent_main.c arena.c capabilities.c frame_decoder.c \
    frame_writer.c handshake.c input.c readback.c run.c session.c upload.c)
